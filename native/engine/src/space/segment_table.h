// What every segment holds and which may be reused. Threads: the reactor. A plain table, no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/limits.h"
#include "format/superblock.h"

namespace ferrite::engine {

enum class SegmentState : std::uint8_t {
  /// Not part of the log; ready for use.
  kFree,
  /// The log's end lies here.
  kActive,
  /// Part of the log.
  kFull,
  /// Holds nothing alive; its free marks are being written.
  kDying,
  /// Unreadable and not understood: left alone.
  kQuarantined,
};

struct Segment {
  SegmentState state = SegmentState::kFree;
  /// See Frame::life; 0: never used.
  std::uint64_t life = 0;
  std::uint32_t live_records = 0;
  /// Removals, which must outlive every older segment that may hold what they removed.
  std::uint32_t removals = 0;
  /// Reads in flight: space is not reused under them.
  std::uint32_t readers = 0;
};

class SegmentTable {
 public:
  explicit SegmentTable(const Superblock& superblock)
      : segment_bytes_(superblock.segment_bytes), segments_(superblock.segment_count) {}

  [[nodiscard]] std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(segments_.size()); }
  [[nodiscard]] Segment& operator[](std::uint32_t index) noexcept { return segments_[index]; }
  [[nodiscard]] const Segment& operator[](std::uint32_t index) const noexcept { return segments_[index]; }
  [[nodiscard]] std::uint32_t index_of(std::uint64_t address) const noexcept {
    return static_cast<std::uint32_t>((address - kDataOffset) / segment_bytes_);
  }
  [[nodiscard]] Segment& at(std::uint64_t address) noexcept { return segments_[index_of(address)]; }
  [[nodiscard]] std::uint64_t begin_of(std::uint32_t index) const noexcept {
    return kDataOffset + std::uint64_t{index} * segment_bytes_;
  }
  /// Bytes of a segment that groups may fill; a block each for the last seal and the second free mark stay behind.
  [[nodiscard]] std::uint32_t usable_bytes() const noexcept { return segment_bytes_ - 2 * kBlockBytes; }
  [[nodiscard]] std::uint64_t usable_end(std::uint32_t index) const noexcept { return begin_of(index) + usable_bytes(); }
  /// Device offset of the segment's last block.
  [[nodiscard]] std::uint64_t trailer_of(std::uint32_t index) const noexcept {
    return begin_of(index) + segment_bytes_ - kBlockBytes;
  }

  [[nodiscard]] std::uint32_t free_count() const noexcept;
  /// A free segment nobody reads; the lowest.
  [[nodiscard]] std::optional<std::uint32_t> pick_free() const noexcept;
  /// A full segment that holds nothing alive and whose removals have nothing left to hide; the lowest.
  [[nodiscard]] std::optional<std::uint32_t> pick_dead() const noexcept;

 private:
  std::uint32_t segment_bytes_;
  std::vector<Segment> segments_;
};

}  // namespace ferrite::engine
