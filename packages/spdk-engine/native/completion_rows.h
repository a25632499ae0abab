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
    /// Pages: 1 if another follows. Scrubs: 1 if it was stopped before its end.
    kMore,
    /// Pages: records that are missing because they are damaged.
    kDamaged,
    kColumns,
  };

  /// Takes the array that JavaScript reads, and whom to call, who must be kept alive elsewhere. False unless the array
  /// has kRowsMax x kColumns elements.
  [[nodiscard]] bool use(Napi::Float64Array rows, Napi::Function on_batch);
  [[nodiscard]] bool ready() const { return rows_ != nullptr; }

  /// Calls `onBatch(count, slabs, pool, messages)` with every completion, in order, as often as the rows fill up. Bytes
  /// are copied once, from the engine's leased memory into the slabs, which are ArrayBuffers. Small records go into a
  /// pool that is filled over several calls: without `slabs` all bytes are in the one that was there before, as slab 0;
  /// with them, `pool` is the index of the one that stays (-1: none). A pending exception ends it.
  void deliver(Napi::Env env, std::span<engine::Completion> completions);

 private:
  struct Placed {
    base::Bytes key;
    base::Bytes value;
    std::size_t slab;
    std::size_t offset;
  };
  struct Slab {
    std::size_t used;
    bool pooled;
  };
  static constexpr std::size_t kNone = ~std::size_t{0};

  [[nodiscard]] double* add_row(double ticket, double kind);
  void add_record(double* row, const engine::RecordView& record);
  void add_walk(double* row, const engine::WalkPage& page);
  /// Gives the row bytes: a key and its value, or a walk's head and its list.
  void add_bytes(double* row, base::Bytes key, base::Bytes value);
  /// Starts an empty batch, whose slab 0 is the pool if there is one.
  void begin();
  [[nodiscard]] bool hand_over(Napi::Env env, Napi::Function callback);
  /// The slabs of this batch where there are more than the pool, their memory in `memory_`; undefined else, nullptr
  /// when they cannot be had.
  [[nodiscard]] napi_value make_slabs(Napi::Env env);
  [[nodiscard]] bool full() const { return count_ == kRowsMax; }

  Napi::Reference<Napi::Float64Array> array_;
  Napi::FunctionReference on_batch_;
  double* rows_ = nullptr;
  std::size_t count_ = 0;
  Napi::Reference<Napi::ArrayBuffer> pool_;
  std::size_t pool_used_ = 0;
  std::vector<Slab> slabs_;
  std::size_t carried_ = 0;
  std::size_t open_pool_ = kNone;
  std::vector<std::uint8_t*> memory_;
  std::vector<Placed> placed_;
  std::vector<const char*> messages_;
};

}  // namespace ferrite::addon
