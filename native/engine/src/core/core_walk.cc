// Walks through everything there is, page by page, and the changes behind a walk that is watched.
//
// A page is chosen in one turn of the reactor: what it says was so at one sequence, however long reading it takes. The
// page that hands out the last changes therefore completes a consistent whole, and writes never wait for it.
#include <algorithm>

#include "core/core.h"

namespace ferrite::engine::internal {
namespace {

using base::Reason;
using base::Status;

/// Lines of a page's list, at most, but for the last hash's.
constexpr std::size_t kLinesMax = 1U << 15U;
constexpr std::size_t kLookAhead = 1024;
/// Of a line that will not be handed out.
constexpr auto kGone = static_cast<WalkEntry::State>(~std::uint32_t{0});

/// The place after one; false when there is none.
bool advance(Place& place) noexcept {
  if (++place.hash != 0) return true;
  return ++place.keyspace != 0;
}

/// Adds the records of a place to a page until the page is full.
class PageFiller {
 public:
  PageFiller(ReadOp& op, const SegmentTable& segments) : op_(op), segments_(segments) {}

  /// Nothing but the first place goes beyond the page's measure.
  [[nodiscard]] bool takes(std::span<const Location> records) const noexcept {
    const std::vector<WalkEntry>& lines = op_.walk->page->entries;
    if (lines.empty()) return true;
    std::uint64_t more = 0;
    for (const Location location : records) more += cost(location);
    return lines.size() + records.size() < kLinesMax &&
           op_.parts.size() + records.size() <= op_.walk->request.max_records &&
           bytes_ + more <= op_.walk->request.max_bytes;
  }
  void list(Place place, WalkEntry::State state) {
    op_.walk->page->entries.push_back({place.keyspace, state, place.hash});
  }
  void add(Place place, Location location) {
    op_.walk->entry_of_part.push_back(static_cast<std::uint32_t>(op_.walk->page->entries.size()));
    list(place, WalkEntry::kRead);
    ReadOp::Part& part = op_.parts.emplace_back();
    part.op = &op_;
    part.hash = place.hash;
    part.location = location;
    part.sound = false;
    bytes_ += cost(location);
  }
  /// Told apart by its segment alone, without reading it.
  [[nodiscard]] bool surely_old(Location location) const noexcept {
    return segments_[segments_.index_of(location.address())].newest <= op_.walk->request.since;
  }

 private:
  [[nodiscard]] std::uint64_t cost(Location location) const noexcept {
    const std::uint32_t wanted =
        op_.values ? location.bytes() : std::min(location.bytes(), kRecordHeadBytes + kKeyBytesMax);
    return base::round_up<std::uint64_t>(wanted, kBlockBytes) + kBlockBytes;
  }

  ReadOp& op_;
  const SegmentTable& segments_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

void Core::note_partition_dropped(std::uint32_t keyspace, std::uint32_t partition) noexcept {
  if (!watch_.active) return;
  watch_.note_dropped({keyspace, first_hash_of(partition, superblock_.partition_bits)});
}

void Core::start_walk(ReadOp& op) noexcept {
  if (!op.pinned) {
    op.more = false;
    const Status status = plan_walk(op);
    op.walk->page->head.sequence = applied_sequence_;
    op.walk->page->head.changes = watch_.changes();
    if (!status.ok() || op.parts.empty()) {
      finish_get(op, status, nullptr);
      return;
    }
    for (const ReadOp::Part& part : op.parts) ++segments_->at(part.location.address()).readers;
    op.pinned = true;
  }
  start_scan(op);
}

Status Core::plan_walk(ReadOp& op) noexcept {
  const WalkStep step = op.walk->request.step;
  if (step == WalkStep::kEnd) {
    watch_ = Watch();
    return Status();
  }
  if (step == WalkStep::kStart) {
    if (watch_.active) return Status(Reason::kOverloaded, "another snapshot of this engine is being taken");
    watch_.active = true;
  }
  if (step == WalkStep::kNext || step == WalkStep::kChanges) {
    if (!watch_.active) return Status(Reason::kArgumentInvalid, "no watched walk was started");
    if (watch_.overflowed) {
      return Status(Reason::kOverloaded, "more changed during the snapshot than can be remembered: read it faster, or "
                                         "take it when there are fewer writes");
    }
  }
  if (step == WalkStep::kChanges) {
    plan_changes(op);
  } else {
    plan_walk_page(op);
  }
  return Status();
}

void Core::plan_walk_page(ReadOp& op) noexcept {
  const WalkRequest& request = op.walk->request;
  WalkPage::Head& head = op.walk->page->head;
  PageFiller page(op, *segments_);
  Place at = request.from;
  bool more = at <= request.to;
  if (more) {
    std::uint32_t keyspace = at.keyspace;
    more = index_->keyspace_from(keyspace) && keyspace <= request.to.keyspace;
    if (more && keyspace != at.keyspace) at = {keyspace, 0};
  }
  std::size_t look_ahead = kLookAhead;
  std::vector<Location> records;
  for (bool full = false; more && !full;) {
    walk_entries_.resize(look_ahead);
    const std::size_t count = index_->collect_all(at.keyspace, at.hash, walk_entries_);
    const bool all = count < walk_entries_.size();
    const std::uint32_t keyspace = at.keyspace;
    std::size_t next = 0;
    while (next < count) {
      const std::uint64_t hash = walk_entries_[next].hash;
      records.clear();
      std::size_t end = next;
      for (; end < count && walk_entries_[end].hash == hash; ++end) records.push_back(walk_entries_[end].location);
      if (end == count && !all) break;  // the hash may go on
      const Place place{keyspace, hash};
      if (place > request.to) {
        more = false;
        break;
      }
      if (records.size() == 1 && request.since > 0 && page.surely_old(records.front())) {
        page.list(place, WalkEntry::kKept);
        full = op.walk->page->entries.size() >= kLinesMax;
      } else if (page.takes(records)) {
        for (const Location location : records) page.add(place, location);
      } else {
        full = true;
        at = place;
        break;
      }
      next = end;
      at = place;
      more = advance(at);
      if (full || !more) break;
    }
    if (full || !more) break;
    if (all) {
      // One keyspace a page: the next begins the next page.
      more = keyspace != kLastPlace.keyspace;
      at = {keyspace + 1, 0};
      break;
    }
    look_ahead = next == 0 ? look_ahead * 2 : kLookAhead;
  }
  head.more = more && at <= request.to ? 1 : 0;
  head.next_keyspace = at.keyspace;
  head.next_hash = at.hash;
  if (request.step != WalkStep::kPlain) {
    watch_.cursor = at;
    watch_.everywhere = head.more == 0;
  }
}

void Core::plan_changes(ReadOp& op) noexcept {
  PageFiller page(op, *segments_);
  for (const Place& first : watch_.dropped) page.list(first, WalkEntry::kDropped);
  watch_.dropped.clear();
  while (!watch_.changed.empty()) {
    const Place place = watch_.take();
    const std::size_t count = find_candidates(place.keyspace, place.hash);
    const std::span<const Location> records(candidates_.data(), count);
    if (!page.takes(records)) {
      watch_.changed.insert(place);
      break;
    }
    page.list(place, WalkEntry::kChanged);
    for (const Location location : records) page.add(place, location);
  }
  op.walk->page->head.more = watch_.changed.empty() ? 0 : 1;
}

void Core::finish_walk(ReadOp& op) noexcept {
  std::vector<WalkEntry>& lines = op.walk->page->entries;
  std::size_t next = 0;
  for (const ReadOp::Part& part : op.parts) {
    const std::size_t at = next++;
    WalkEntry& line = lines[op.walk->entry_of_part[at]];
    if (!part.sound) {
      line.state = WalkEntry::kDamaged;
      ++op.damaged;
      add(counters_.checksum_failures, 1);
      report_part(line.keyspace, op, part);
      continue;
    }
    // Records that share a hash go together: a kept one could not be told from its neighbours.
    const bool alone = (at == 0 || op.parts[at - 1].hash != part.hash) &&
                       (next == op.parts.size() || op.parts[next].hash != part.hash);
    const RecordHead head = trusted_record_head(op.buffer->memory.data() + part.offset);
    if (passed(head)) {
      line.state = kGone;
    } else if (alone && op.walk->request.step != WalkStep::kChanges && head.sequence <= op.walk->request.since) {
      line.state = WalkEntry::kKept;
    } else {
      op.buffer->offsets.push_back(part.offset);
    }
  }
  std::erase_if(lines, [](const WalkEntry& line) { return line.state == kGone; });
  finish_get(op, Status(), std::move(op.buffer));
}

}  // namespace ferrite::engine::internal
