// What a watched walk remembers: which places changed behind it. Threads: the reactor. Owned by the core.
#pragma once

#include <set>
#include <vector>

#include "engine/engine.h"

namespace ferrite::engine::internal {

struct Watch {
  /// Changed places remembered, at most; about 32 MiB.
  static constexpr std::size_t kChangesMax = 1U << 19U;

  bool active = false;
  /// More changed than is remembered: the walk cannot be completed.
  bool overflowed = false;
  /// The walk has been everywhere; else everything before `cursor` is behind it.
  bool everywhere = false;
  Place cursor;
  /// Ordered, so that changes are handed out in turn and a place that changes all the time waits for the others.
  std::set<Place> changed;
  Place turn;
  /// First places of dropped partitions; they come before the changes.
  std::vector<Place> dropped;

  void note(Place place) {
    if (!active || overflowed || (!everywhere && place >= cursor)) return;
    changed.insert(place);
    if (changes() > kChangesMax) overflow();
  }
  void note_dropped(Place first) {
    if (overflowed || (!everywhere && first >= cursor)) return;
    dropped.push_back(first);
    if (changes() > kChangesMax) overflow();
  }
  /// The next changed place in turn, forgotten here; only while `changed` has any.
  Place take() {
    auto next = changed.lower_bound(turn);
    if (next == changed.end()) next = changed.begin();
    const Place place = *next;
    turn = place;
    changed.erase(next);
    return place;
  }
  [[nodiscard]] std::size_t changes() const noexcept { return changed.size() + dropped.size(); }

 private:
  void overflow() {
    overflowed = true;
    changed.clear();
    dropped.clear();
  }
};

}  // namespace ferrite::engine::internal
