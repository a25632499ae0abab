// Walks through everything an engine holds, by keyspace and hash: what snapshots are made of (SNAPSHOT.md).
// Threads: plain values.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

namespace ferrite::engine {

/// Where a key lies in the order of a walk: by keyspace, then by hash.
struct Place {
  std::uint32_t keyspace = 0;
  std::uint64_t hash = 0;
  friend constexpr auto operator<=>(const Place&, const Place&) noexcept = default;
};
inline constexpr Place kLastPlace{~std::uint32_t{0}, ~std::uint64_t{0}};

/// What one step of a walk does. A watched walk (start, next, changes, end) yields what the engine holds at one moment
/// though writes go on: what changes behind the walk is remembered, and handed out until nothing is left.
enum class WalkStep : std::uint8_t {
  /// A page between two places; nothing is remembered.
  kPlain,
  /// The first page of a watched walk, of which there is one at a time: OVERLOADED while there is another.
  kStart,
  /// A further page.
  kNext,
  /// What changed behind the walk, as it is now. When no change is left, the pages together are the engine's content
  /// as of `WalkPage::sequence`. OVERLOADED when more changed than is remembered.
  kChanges,
  /// Forgets the watched walk.
  kEnd,
};

struct WalkRequest {
  WalkStep step = WalkStep::kPlain;
  /// First and last place of the page, both included.
  Place from;
  Place to = kLastPlace;
  /// Records up to this sequence are listed (kKept) rather than read where that can be told.
  std::uint64_t since = 0;
  /// A page ends at whichever comes first; it gets further by one hash at least. 1 to 4096; 1 to 32 MiB of device reads.
  std::uint32_t max_records = 1024;
  std::uint32_t max_bytes = 8U << 20U;
  bool values = true;
};

/// One line of a page's list. Layout known to `src/walk.ts`.
struct WalkEntry {
  enum State : std::uint32_t {
    /// The page's next record.
    kRead,
    /// One record with this hash is here, not newer than `since`.
    kKept,
    /// A record that cannot be read back.
    kDamaged,
    /// The records of this place follow, if any are left.
    kChanged,
    /// The partition that begins with this hash was dropped; what it holds now follows as changes.
    kDropped,
  };
  std::uint32_t keyspace = 0;
  State state = kRead;
  std::uint64_t hash = 0;
};
static_assert(sizeof(WalkEntry) == 16);

/// What a walk's page holds besides its records, which belong to no two keyspaces unless they are changes.
struct WalkPage {
  /// Layout known to `src/walk.ts`.
  struct Head {
    std::uint32_t next_keyspace = 0;
    /// 1: there is more; the next page starts at the place above and below.
    std::uint32_t more = 0;
    std::uint64_t next_hash = 0;
    /// Every write up to this one had taken effect when the page was chosen, and no other.
    std::uint64_t sequence = 0;
    /// Changes that are still to be handed out.
    std::uint64_t changes = 0;
  } head;
  static_assert(sizeof(Head) == 32);
  std::vector<WalkEntry> entries;
};

}  // namespace ferrite::engine
