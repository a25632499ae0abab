#include "space/segment_table.h"

#include <algorithm>

namespace ferrite::engine {
namespace {

constexpr bool in_log_state(SegmentState state) noexcept {
  return state != SegmentState::kFree && state != SegmentState::kPreparing && state != SegmentState::kUnbacked &&
         state != SegmentState::kCheckpoint;
}

}  // namespace

bool SegmentTable::in_log(std::uint32_t index) const noexcept { return in_log_state(segments_[index].state); }

std::uint32_t SegmentTable::free_count() const noexcept {
  return static_cast<std::uint32_t>(std::count_if(segments_.begin(), segments_.end(), [](const Segment& segment) {
    return segment.state == SegmentState::kFree;
  }));
}

std::optional<std::uint32_t> SegmentTable::pick_free() const noexcept {
  std::optional<std::uint32_t> unwritten;
  for (std::uint32_t i = 0; i < count(); ++i) {
    if (segments_[i].state != SegmentState::kFree || segments_[i].readers > 0) continue;
    if (segments_[i].written) return i;
    if (!unwritten.has_value()) unwritten = i;
  }
  return unwritten;
}

bool SegmentTable::nothing_before(std::uint64_t life) const noexcept {
  return std::all_of(segments_.begin(), segments_.end(), [life](const Segment& segment) {
    return !in_log_state(segment.state) ||
           (segment.state != SegmentState::kQuarantined && segment.life >= life);
  });
}

std::optional<std::uint32_t> SegmentTable::pick_dead(std::uint64_t vouched) const noexcept {
  for (std::uint32_t i = 0; i < count(); ++i) {
    const Segment& segment = segments_[i];
    if (segment.state != SegmentState::kFull || segment.live_records > 0 || segment.readers > 0 ||
        segment.vouched_by > vouched) {
      continue;
    }
    if (segment.removals == 0 || oldest(i)) return i;
  }
  return std::nullopt;
}

void Expiring::note(std::uint64_t expires_at_ms, std::int64_t charge) noexcept {
  constexpr std::array<std::uint64_t, 3> kFar{600'000, 86'400'000, 30 * std::uint64_t{86'400'000}};
  const std::uint64_t away = expires_at_ms > since_ms ? expires_at_ms - since_ms : 0;
  const auto place = std::lower_bound(kFar.begin(), kFar.end(), away) - kFar.begin();
  Some& some = sums[static_cast<std::size_t>(place)];
  some.until_ms = std::max(some.until_ms, expires_at_ms);
  some.charge += charge;
}

std::int64_t Expiring::ended(std::uint64_t ms) const noexcept {
  std::int64_t charge = 0;
  for (const Some& some : sums) charge += some.until_ms <= ms ? some.charge : 0;
  return charge;
}

std::optional<std::uint32_t> SegmentTable::pick_victim(std::uint64_t newest_life, std::uint64_t final_ms,
                                                       bool only_ended) const noexcept {
  std::uint64_t oldest_life = ~std::uint64_t{0};
  std::int64_t removals = 0;
  for (const Segment& segment : segments_) {
    if (!in_log_state(segment.state)) continue;
    oldest_life = std::min(oldest_life, segment.state == SegmentState::kQuarantined ? 0 : segment.life);
    removals += segment.removal_charge;
  }
  std::optional<std::uint32_t> best;
  double best_score = 0;
  std::optional<std::uint32_t> unknown;
  for (std::uint32_t i = 0; i < count(); ++i) {
    const Segment& segment = segments_[i];
    if (segment.state != SegmentState::kFull || segment.stuck) continue;
    if (segment.live_records == 0 && segment.removals == 0) continue;  // emptied, and about to be given back
    // Removals in the oldest segment hide nothing any more.
    const std::int64_t removed = segment.life == oldest_life ? 0 : segment.removal_charge;
    const std::int64_t ended = final_ms == 0 ? 0 : std::min(segment.live_charge, segment.expiring.ended(final_ms));
    if (final_ms > 0 && !segment.expiring.known && (!unknown.has_value() || segment.life < segments_[*unknown].life)) {
      unknown = i;
    }
    if (only_ended && ended == 0) continue;
    const double kept = static_cast<double>(segment.live_charge - ended + removed) / usable_bytes();
    const double gain = 15.0 / 16 - kept;  // a little is always lost in moving
    // Where removals pile up, the oldest segment goes first, whatever it holds: that lets them end.
    if (segment.life == oldest_life && removals > usable_bytes() / 4) return i;
    if (gain <= 0) continue;
    const double score = gain * static_cast<double>(newest_life - segment.life + 1) / (1 + kept);
    if (score > best_score) {
      best_score = score;
      best = i;
    }
  }
  // Once each; what has ended in them is not known otherwise.
  return unknown.has_value() && (only_ended || !best.has_value()) ? unknown : best;
}

}  // namespace ferrite::engine
