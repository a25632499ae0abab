// What every segment holds and which may be reused. Threads: the reactor. A plain table, no I/O.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/limits.h"
#include "format/group.h"
#include "format/record.h"
#include "format/superblock.h"
#include "index/location.h"
#include "space/capacity.h"

namespace ferrite::engine {

enum class SegmentState : std::uint8_t {
  /// Not part of the log; ready for use.
  kFree,
  /// Free, and being written ahead of its use.
  kPreparing,
  /// Holds pages of an index checkpoint.
  kCheckpoint,
  /// Free, but the file system has no room for it.
  kUnbacked,
  /// The log's end lies here.
  kActive,
  /// Part of the log.
  kFull,
  /// Part of the log; compaction is moving what is alive in it.
  kEmptying,
  /// Holds nothing alive; its free marks are being written.
  kDying,
  /// Unreadable and not understood: left alone.
  kQuarantined,
};

/// What the puts of a segment that end by time count for, roughly by when: enough to know what looking for them gains.
struct Expiring {
  struct Some {
    std::uint64_t until_ms = 0;
    std::int64_t charge = 0;
  };
  /// Times are told apart by how far they are from this one.
  std::uint64_t since_ms = 0;
  /// False: the segment was not read since opening.
  bool known = true;
  /// Up to ten minutes, a day, thirty days, and more.
  std::array<Some, 4> sums{};

  void note(std::uint64_t expires_at_ms, std::int64_t charge) noexcept;
  /// Charges of what has ended at the time, dead or not.
  [[nodiscard]] std::int64_t ended(std::uint64_t ms) const noexcept;
};

struct Segment {
  SegmentState state = SegmentState::kFree;
  /// Of its frames.
  std::uint8_t version = kFrameVersion;
  /// See Frame::life; 0: never used.
  std::uint64_t life = 0;
  /// Records the index refers to, and what they count for (Capacity::charge).
  std::uint32_t live_records = 0;
  std::int64_t live_charge = 0;
  /// Removals, which must outlive every older segment that may hold what they removed.
  std::uint32_t removals = 0;
  std::int64_t removal_charge = 0;
  /// Given back only once the log has gone beyond this group, which holds what was moved out of the segment.
  std::uint64_t vouched_by = 0;
  /// No record in it is newer than this sequence.
  std::uint64_t newest = ~std::uint64_t{0};
  Expiring expiring;
  /// Compaction met something alive here that cannot be read.
  bool stuck = false;
  /// Its blocks were written before: writing them again allocates nothing.
  bool written = false;
  /// Reads in flight: space is not reused under them. Added to by reactor and lanes, only while something alive is here.
  std::atomic<std::uint32_t> readers{0};
};

class SegmentTable {
 public:
  explicit SegmentTable(const Superblock& superblock)
      : segment_bytes_(superblock.segment_bytes),
        salt_(image_salt(superblock)),
        capacity_(superblock.segment_count, usable_bytes()),
        segments_(superblock.segment_count) {}

  [[nodiscard]] std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(segments_.size()); }
  [[nodiscard]] Segment& operator[](std::uint32_t index) noexcept { return segments_[index]; }
  [[nodiscard]] const Segment& operator[](std::uint32_t index) const noexcept { return segments_[index]; }
  [[nodiscard]] std::uint32_t index_of(std::uint64_t address) const noexcept {
    return static_cast<std::uint32_t>((address - kDataOffset) / segment_bytes_);
  }
  [[nodiscard]] Segment& at(std::uint64_t address) noexcept { return segments_[index_of(address)]; }
  /// What the checksums of the records in a segment cover.
  [[nodiscard]] std::uint64_t seed_of(std::uint32_t index) const noexcept {
    return record_seed(salt_, segments_[index].version, segments_[index].life);
  }
  [[nodiscard]] std::uint64_t seed_at(std::uint64_t address) const noexcept { return seed_of(index_of(address)); }
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

  /// A record the index refers to begins or ends to live.
  void keep(Location location) noexcept {
    Segment& segment = at(location.address());
    ++segment.live_records;
    segment.live_charge += capacity_.charge(location.bytes());
  }
  /// A put that is kept here ends at this time (0: never).
  void note_expiry(Location location, std::uint64_t expires_at_ms) noexcept {
    if (expires_at_ms != 0) at(location.address()).expiring.note(expires_at_ms, capacity_.charge(location.bytes()));
  }
  void drop(Location location) noexcept {
    Segment& segment = at(location.address());
    --segment.live_records;
    segment.live_charge -= capacity_.charge(location.bytes());
  }

  [[nodiscard]] const Capacity& capacity() const noexcept { return capacity_; }
  /// So many segments (or fewer again) are not there for the log: unbacked, or holding a checkpoint.
  void hold(std::int32_t segments) noexcept {
    held_ += segments;
    capacity_ = Capacity(limited(), usable_bytes());
  }
  /// Segments there are for the log.
  [[nodiscard]] std::uint32_t limited() const noexcept {
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(count()) - held_);
  }
  [[nodiscard]] bool in_log(std::uint32_t index) const noexcept;
  [[nodiscard]] std::uint32_t free_count() const noexcept;
  /// A free segment nobody reads: the lowest that was written before, or else the lowest.
  [[nodiscard]] std::optional<std::uint32_t> pick_free() const noexcept;
  /// A full segment that holds nothing alive, whose removals have nothing left to hide and whose moved records are in a
  /// group up to `vouched`; the lowest.
  [[nodiscard]] std::optional<std::uint32_t> pick_dead(std::uint64_t vouched) const noexcept;
  /// The full segment that is best emptied now: much dead, and old, since what is old tends to stay (cost-benefit;
  /// Rosenblum and Ousterhout, "The Design and Implementation of a Log-Structured File System", 1992). Nothing when
  /// moving would gain no space. What ended at `final_ms` (0: nothing ever does) counts as dead; with `only_ended`, only
  /// segments with some of that come into question, and first those of which it is not known.
  [[nodiscard]] std::optional<std::uint32_t> pick_victim(std::uint64_t newest_life, std::uint64_t final_ms,
                                                         bool only_ended) const noexcept;
  /// No older segment can hold what a removal in this one hides.
  [[nodiscard]] bool oldest(std::uint32_t index) const noexcept { return nothing_before(segments_[index].life); }
  /// No segment of the log was taken into use before the one of this life.
  [[nodiscard]] bool nothing_before(std::uint64_t life) const noexcept;

 private:
  std::uint32_t segment_bytes_;
  std::uint64_t salt_;
  Capacity capacity_;
  std::int32_t held_ = 0;
  std::vector<Segment> segments_;
};

}  // namespace ferrite::engine
