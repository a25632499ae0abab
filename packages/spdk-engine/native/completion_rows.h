// Completions as rows of numbers in a Float64Array that JavaScript reads, and their bytes in few ArrayBuffers.
// Thread: the JS thread. Owner: EngineHandle. Columns and kinds are mirrored in `src/completion-rows.ts`.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/engine.h"

namespace ferrite::addon {

class CompletionRows {
 public:
  static constexpr std::size_t kRowsMax = 256;
  /// Kind of a row that is one record of a scan page; the page's own row follows. Beyond every engine::OpKind.
  static constexpr double kRecordOfPage = 100;

  enum Column : std::size_t {
    kTicket,
    kKind,
    /// 0: it went well. Else kSequence names the message and kGeneration the errno.
    kReason,
    kSequence,
    kGeneration,
    /// Failures: 1 if the operation may have taken place.
    kEffectUnknown,
    kExpiresAtMs,
    kPartition,
    kHashHigh,
    kHashLow,
    /// Which ArrayBuffer holds the record's key and, behind it, its value; -1: the row has no record.
    kSlab,
    kOffset,
    kKeyBytes,
    kValueBytes,
    /// Pages: 1 if another follows.
    kMore,
    /// Pages: records that are missing because they are damaged.
    kDamaged,
    kColumns,
  };

  /// Takes the array that JavaScript reads. False unless it has kRowsMax x kColumns elements.
  [[nodiscard]] bool use(Napi::Float64Array rows);
  [[nodiscard]] bool ready() const { return rows_ != nullptr; }

  /// Calls `handle.onBatch(count, slabs, messages)` with every completion, in order, as often as the rows fill up.
  /// Bytes are copied once, from the engine's leased memory into the ArrayBuffers. A pending exception ends it.
  void deliver(Napi::Env env, Napi::Object handle, std::span<engine::Completion> completions);

 private:
  struct Placed {
    base::Bytes key;
    base::Bytes value;
    std::size_t slab;
    std::size_t offset;
  };

  [[nodiscard]] double* add_row(double ticket, double kind);
  void add_record(double* row, const engine::RecordView& record);
  void add_walk(double* row, const engine::WalkPage& page);
  /// Gives the row bytes: a key and its value, or a walk's head and its list.
  void add_bytes(double* row, base::Bytes key, base::Bytes value);
  [[nodiscard]] bool hand_over(Napi::Env env, Napi::Object handle, Napi::Function callback);
  [[nodiscard]] bool full() const { return count_ == kRowsMax; }

  Napi::Reference<Napi::Float64Array> array_;
  double* rows_ = nullptr;
  std::size_t count_ = 0;
  std::vector<std::size_t> slab_bytes_;
  std::vector<Placed> placed_;
  std::vector<const char*> messages_;
};

}  // namespace ferrite::addon
