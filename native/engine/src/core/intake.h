// Where accepted writes wait: laid out as groups, ready to be written, in a fixed arena of device memory.
//
// Threads: `stage` under the core's submission lock from any thread, then `fill` and `commit` of the ticket without it;
// the rest from the reactor under that lock. Owns the arena. Nothing is allocated after construction.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/aligned_buffer.h"
#include "format/group.h"
#include "format/record.h"
#include "index/location.h"

namespace ferrite::engine::internal {

class ClientQueue;

/// One accepted write.
struct StagedWrite {
  ClientQueue* client = nullptr;
  std::uint64_t tag = 0;
  std::uint64_t begun_ns = 0;
  std::uint64_t hash = 0;
  std::uint64_t sequence = 0;
  std::uint32_t keyspace = 0;
  /// Of the record within its group.
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;
  RecordKind kind = RecordKind::kPut;
  /// The older record of the same key, once known.
  Location match;
};

/// Records that become durable together. Header space first, then records; see FORMAT.md section 4.
struct StagedGroup {
  std::uint8_t* data = nullptr;
  std::uint32_t used = 0;
  std::uint32_t count = 0;
  std::uint64_t first_write = 0;
  /// Records accepted whose bytes are still being copied in.
  std::atomic<std::uint32_t> copying{0};

  [[nodiscard]] std::uint32_t length() const noexcept { return base::round_up(used, kBlockBytes); }
};

class Intake {
 public:
  Intake(std::uint32_t arena_bytes, std::uint32_t group_bytes_max, std::uint32_t writes_max);

  struct Ticket {
    StagedGroup* group;
    StagedWrite* write;
    std::uint8_t* place;
  };
  /// Sees to it that the next `records`, of `bytes` in all, go into one group; false when there is no room for them now.
  [[nodiscard]] bool reserve(std::uint32_t records, std::uint32_t bytes) noexcept;
  /// Takes room for a record at the end of the log; for one that was reserved there is some.
  [[nodiscard]] Ticket stage(std::uint32_t record_bytes) noexcept;
  /// The copies of so many records are done. Any thread, no lock.
  static void commit(StagedGroup& group, std::uint32_t records) noexcept {
    group.copying.fetch_sub(records, std::memory_order_release);
  }
  /// Bytes of records that can be reserved together, if they are more than one.
  [[nodiscard]] std::uint32_t together_max() const noexcept { return group_bytes_max_ - kGroupHeaderBytes; }

  /// Something waits to be taken.
  [[nodiscard]] bool empty() const noexcept { return taken_ == closed_ && open_ == nullptr; }
  /// Closes and returns the oldest group not taken yet; nullptr when there is none or it is still being filled.
  [[nodiscard]] StagedGroup* take() noexcept;
  /// The writes of a taken group, index below its count.
  [[nodiscard]] StagedWrite& write(const StagedGroup& group, std::uint32_t index) noexcept {
    return writes_[(group.first_write + index) % writes_.size()];
  }
  /// Gives back the oldest taken group.
  void release(StagedGroup& group) noexcept;

 private:
  static constexpr std::size_t kGroups = 256;
  static constexpr std::uint32_t kGroupRecordsMax = kBatchRecordsMax;

  [[nodiscard]] bool grow(std::uint32_t records, std::uint32_t bytes) noexcept;
  [[nodiscard]] bool begin(std::uint32_t bytes) noexcept;
  [[nodiscard]] std::uint8_t* arena_end() noexcept { return arena_.data() + arena_.size(); }

  const std::uint32_t group_bytes_max_;
  base::AlignedBuffer arena_;
  std::vector<StagedWrite> writes_;
  std::unique_ptr<StagedGroup[]> groups_;
  StagedGroup* open_ = nullptr;
  // Counts of groups ever closed, taken, released; and of writes ever staged, released.
  std::uint64_t closed_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t released_ = 0;
  std::uint64_t writes_staged_ = 0;
  std::uint64_t writes_released_ = 0;
  // The arena's used part runs from head_ to tail_, perhaps around its end.
  std::uint8_t* head_ = nullptr;
  std::uint8_t* tail_ = nullptr;
};

}  // namespace ferrite::engine::internal
