// Segments on their way through the log: taken into use, sealed, given back, and written ahead where the device wants it.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/core.h"
#include "device/sync_io.h"

namespace ferrite::engine::internal {
namespace {

constexpr std::uint32_t kZeroBytes = 1U << 20U;

}  // namespace

void Core::note_space() noexcept {
  const std::int64_t left = segments_->capacity().puts() - promised_;
  counters_.free_bytes.store(static_cast<std::uint64_t>(std::max<std::int64_t>(0, left)), std::memory_order_relaxed);
}

// Room for a frame of `length` at the log's end. False while a seal must be written or a segment become free first;
// `spared` free segments are left alone.
bool Core::make_place(std::uint32_t length, std::uint32_t spared) noexcept {
  if (has_active_ && !leave_active_ && position_ + length <= segments_->usable_end(active_)) return true;
  // A full segment ends with a durable seal before the log goes on elsewhere: its end can be told from damage forever.
  if (has_active_ && !sealed_ && position_ > segments_->begin_of(active_)) {
    start_seal();
    return false;
  }
  return activate_segment(spared);
}

bool Core::activate_segment(std::uint32_t spared) noexcept {
  const std::uint32_t free = segments_->free_count();
  const std::optional<std::uint32_t> segment = free > spared ? segments_->pick_free() : std::nullopt;
  if (!segment.has_value()) return false;
  if (has_active_) {
    // Given back only once the log certainly goes on elsewhere.
    (*segments_)[active_].state = SegmentState::kFull;
    (*segments_)[active_].vouched_by = last_.group + 1;
    (*segments_)[active_].newest = applied_sequence_;
  }
  active_ = *segment;
  has_active_ = true;
  leave_active_ = false;
  Segment& active = (*segments_)[active_];
  active.state = SegmentState::kActive;
  active.life = ++life_;
  active.version = kFrameVersion;
  active.written = true;
  active.newest = ~std::uint64_t{0};
  active.expiring = {expiry_.now_ms(), true, {}};
  position_ = segments_->begin_of(active_);
  FERRITE_PROBE(ferrite_engine, segment_activate, active_);
  counters_.segments_free.store(free - 1, std::memory_order_relaxed);
  return true;
}

void Core::start_seal() noexcept {
  std::memset(seal_block_.data(), 0, kBlockBytes);
  Frame frame;
  frame.kind = FrameKind::kSeal;
  frame.version = (*segments_)[active_].version;
  frame.group = last_.group;
  frame.address = position_;
  frame.life = (*segments_)[active_].life;
  frame.previous = last_;
  frame.first_sequence = applied_sequence_ + 1;
  frame.boot = static_cast<std::uint32_t>(superblock_.boot_count);
  frame.doubt = last_doubt_ && frame.version > 1 ? kDoubtPrevious : 0;
  encode_frame(frame, salt_, seal_block_.bytes());
  sealing_ = true;
  seal_io_.owner = this;
  start_io(seal_io_, IoKind::kWriteDurable, position_, kBlockBytes, seal_block_.data(),
           [](IoRequest& request) { static_cast<Core*>(request.owner)->finish_seal(); });
}

void Core::finish_seal() noexcept {
  sealing_ = false;
  if (seal_io_.error != 0) {
    fail(seal_io_.error, "a write of the log's seal failed");
    return;
  }
  sealed_ = true;
  add(counters_.seals, 1);
  FERRITE_PROBE(ferrite_engine, seal, last_.group);
  pump_writes();
}

std::optional<std::uint32_t> Core::pick_dead() const noexcept {
  return segments_->pick_dead(sealed_ ? last_.group : last_.group - 1);
}

// Gives a dead segment back: a durable free mark at its end, then one over its first group. Either retires it.
void Core::pump_free() noexcept {
  if (failed() || freeing_) return;
  const std::optional<std::uint32_t> dead = pick_dead();
  if (!dead.has_value()) return;
  dying_ = *dead;
  freeing_ = true;
  free_step_ = 0;
  (*segments_)[dying_].state = SegmentState::kDying;
  finish_free_step();
}

void Core::finish_free_step() noexcept {
  if (free_step_ > 0 && free_io_.error != 0) {
    freeing_ = false;
    fail(free_io_.error, "a write of a free mark failed");
    return;
  }
  if (free_step_ == 2) {
    freeing_ = false;
    Segment& segment = (*segments_)[dying_];
    segment.state = SegmentState::kFree;
    const std::int64_t removals = std::exchange(segment.removal_charge, 0);
    segment.removals = 0;
    segment.stuck = false;
    segment.vouched_by = 0;
    FERRITE_PROBE(ferrite_engine, segment_free, dying_);
    counters_.segments_free.store(segments_->free_count(), std::memory_order_relaxed);
    {
      const std::lock_guard lock(mutex_);
      promised_ -= removals;
      note_space();
    }
    pump_writes();
    return;
  }
  Frame frame;
  frame.kind = FrameKind::kFreeMark;
  frame.address = free_step_ == 0 ? segments_->trailer_of(dying_) : segments_->begin_of(dying_);
  frame.life = (*segments_)[dying_].life;
  frame.boot = static_cast<std::uint32_t>(superblock_.boot_count);
  std::memset(free_block_.data(), 0, kBlockBytes);
  encode_frame(frame, salt_, free_block_.bytes());
  ++free_step_;
  free_io_.owner = this;
  start_io(free_io_, IoKind::kWriteDurable, frame.address, kBlockBytes, free_block_.data(),
           [](IoRequest& request) { static_cast<Core*>(request.owner)->finish_free_step(); });
}

// A device that gives space on writing is asked for it in time: a log that has to allocate pays for the file system's
// journal with every flush. The segment to be used next is written with zeros and flushed.
void Core::pump_zeros() noexcept {
  if (failed() || zeroing_ || draining_ || !device_->allocates_on_write()) return;
  const std::optional<std::uint32_t> next = segments_->pick_free();
  if (!next.has_value() || (*segments_)[*next].written) return;
  if (zero_block_.size() == 0) {
    zero_block_ = base::AlignedBuffer(kZeroBytes);
    std::memset(zero_block_.data(), 0, zero_block_.size());
  }
  zeroing_ = true;
  zeroed_ = *next;
  (*segments_)[zeroed_].state = SegmentState::kPreparing;
  zero_position_ = segments_->begin_of(zeroed_);
  zero_io_.error = 0;
  step_zeros();
}

void Core::step_zeros() noexcept {
  const std::uint64_t end = segments_->trailer_of(zeroed_) + kBlockBytes;
  Segment& segment = (*segments_)[zeroed_];
  if (zero_io_.error == 0 && zero_position_ <= end && !failed()) {
    zero_io_.owner = this;
    const auto length = static_cast<std::uint32_t>(std::min<std::uint64_t>(kZeroBytes, end - zero_position_));
    const std::uint64_t at = zero_position_;
    add(counters_.prepared_bytes, length);
    zero_position_ += std::max(length, 1U);  // one beyond the end: the flush is under way
    start_io(zero_io_, length > 0 ? IoKind::kWrite : IoKind::kFlush, length > 0 ? at : 0, length, zero_block_.data(),
             [](IoRequest& request) { static_cast<Core*>(request.owner)->step_zeros(); });
    return;
  }
  zeroing_ = false;
  segment.state = SegmentState::kFree;
  if (failed()) return;
  if (zero_io_.error == ENOSPC || zero_io_.error == EDQUOT || zero_io_.error == EFBIG) {
    refuse_unbacked();
  } else if (zero_io_.error != 0) {
    fail(zero_io_.error, "the log's next segment cannot be prepared");
    return;
  } else {
    segment.written = true;
  }
  pump_writes();
}

// The file system is full: the image is as large as what it has been given so far.
void Core::refuse_unbacked() noexcept {
  std::int32_t unbacked = 0;
  for (std::uint32_t i = 0; i < segments_->count(); ++i) {
    Segment& segment = (*segments_)[i];
    if (segment.state != SegmentState::kFree || segment.written) continue;
    segment.state = SegmentState::kUnbacked;
    ++unbacked;
  }
  counters_.segments_free.store(segments_->free_count(), std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  segments_->hold(unbacked);
  note_space();
}

// The first segment of a new image is prepared before it is used at all.
base::Status Core::prepare_first_segment() noexcept {
  const std::optional<std::uint32_t> next = segments_->pick_free();
  if (!next.has_value() || (*segments_)[*next].written || has_active_) return base::Status();
  pump_zeros();
  while (zeroing_) device_->park(-1);
  if ((*segments_)[*next].state == SegmentState::kUnbacked) {
    return base::Status(base::Reason::kDeviceFull, "the file system has no room for the image", ENOSPC);
  }
  return failed() ? base::Status(base::Reason::kDeviceFailed, "the image cannot be written", zero_io_.error)
                  : base::Status();
}

}  // namespace ferrite::engine::internal
