#include "space/segment_table.h"

#include <algorithm>

namespace ferrite::engine {

std::uint32_t SegmentTable::free_count() const noexcept {
  return static_cast<std::uint32_t>(std::count_if(segments_.begin(), segments_.end(), [](const Segment& segment) {
    return segment.state == SegmentState::kFree;
  }));
}

std::optional<std::uint32_t> SegmentTable::pick_free() const noexcept {
  for (std::uint32_t i = 0; i < count(); ++i) {
    if (segments_[i].state == SegmentState::kFree && segments_[i].readers == 0) return i;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> SegmentTable::pick_dead() const noexcept {
  std::uint64_t oldest = ~std::uint64_t{0};
  bool quarantine = false;
  for (const Segment& segment : segments_) {
    if (segment.state == SegmentState::kQuarantined) quarantine = true;
    if (segment.state != SegmentState::kFree) oldest = std::min(oldest, segment.life);
  }
  for (std::uint32_t i = 0; i < count(); ++i) {
    const Segment& segment = segments_[i];
    if (segment.state != SegmentState::kFull || segment.live_records > 0) continue;
    if (segment.removals == 0 || (segment.life == oldest && !quarantine)) return i;
  }
  return std::nullopt;
}

}  // namespace ferrite::engine
