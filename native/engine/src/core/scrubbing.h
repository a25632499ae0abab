// The state of a scrub: one pass over everything an image holds. Threads: the reactor, but for `stop` and the progress,
// which anyone may touch. Owned by the core; core_scrub.cc is its only user.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "engine/block_device.h"
#include "format/group.h"

namespace ferrite::engine::internal {

struct ReadOp;

struct Scrubbing {
  using Clock = std::chrono::steady_clock;
  struct Area {
    enum class Kind : std::uint8_t { kSuperblock, kLog, kPages };
    Kind kind;
    /// Superblock: the copy.
    std::uint32_t segment;
    std::uint64_t life;
    std::uint64_t begin;
    std::uint64_t end;
  };

  /// Whom the end of the pass is told; nullptr: no pass is under way.
  ReadOp* op = nullptr;
  std::uint64_t bytes_per_second = 0;
  std::vector<Area> areas;
  std::size_t next = 0;
  /// No window is read before.
  Clock::time_point due;

  // The area being read.
  /// Device offset of the next frame or page to look at, and up to where the area has been read.
  std::uint64_t position = 0;
  std::uint64_t read_to = 0;
  /// Bytes from `position` on.
  base::AlignedBuffer buffer;
  std::uint32_t filled = 0;
  /// More than a window is needed to see the frame at `position` whole.
  std::uint32_t wanted = 0;
  /// Up to here it is read block by block, because a larger read failed.
  std::uint64_t careful_to = 0;
  bool reading = false;
  IoRequest io;
  /// The last group or seal that was whole.
  std::uint64_t last_group = 0;
  /// Where a seal was met; 0: not yet. What follows are remains, unless a later frame proves the seal to be one.
  std::uint64_t sealed_at = 0;

  std::atomic<bool> stop{false};
  std::atomic<bool> running{false};
  std::atomic<std::uint64_t> bytes_done{0}, bytes_total{0}, started_at_ms{0}, finished_at_ms{0}, damaged_records{0},
      damaged_places{0};
};

}  // namespace ferrite::engine::internal
