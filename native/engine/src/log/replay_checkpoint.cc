// Reading the index checkpoint: the newest whole one saves reading the log before it. Any doubt, and the log is read.
#include <algorithm>
#include <utility>

#include "log/replay.h"

namespace ferrite::engine {

// A segment whose first page is damaged is known by the pages behind it.
bool Replay::find_pages(std::uint32_t segment) {
  load(segment);
  for (std::uint32_t at = kPageBytes; at + kPageBytes <= segments_.usable_bytes(); at += kPageBytes) {
    Frame frame;
    if (!decode_page(loaded(at, at + kPageBytes), address_of(at), salt_, frame)) continue;
    if (frame.life <= probes_[segment].retired) continue;
    probes_[segment].first = frame;
    ++result_.salvaged;
    return true;
  }
  return false;
}

// Or by the root that names it.
void Replay::set_pages_aside(std::vector<std::uint32_t>& garbage) {
  std::erase_if(garbage, [this](std::uint32_t segment) {
    if (std::find(page_segments_.begin(), page_segments_.end(), segment) == page_segments_.end()) return false;
    probes_[segment].start = Start::kPage;
    segments_[segment].state = SegmentState::kFull;
    segments_[segment].life = ++result_.end.life;
    ++result_.salvaged;
    return true;
  });
}

void Replay::use_checkpoint() {
  struct Found {
    CheckpointRoot root;
    Frame frame;
  };
  std::vector<Found> found;
  base::AlignedBuffer page(kPageBytes);
  for (std::uint32_t segment = 0; segment < segments_.count(); ++segment) {
    if (probes_[segment].start != Start::kPage) continue;
    result_.highest_checkpoint = std::max(result_.highest_checkpoint, probes_[segment].first.group);
    if (probes_[segment].first.kind != FrameKind::kRootPage) continue;
    Found one;
    read(segments_.begin_of(segment), page.bytes());
    if (decode_page(page.bytes(), segments_.begin_of(segment), salt_, one.frame) &&
        decode_root(page.bytes(), one.frame, one.root) && one.root.segments.front() == segment) {
      page_segments_.insert(page_segments_.end(), one.root.segments.begin(), one.root.segments.end());
      found.push_back(std::move(one));
    } else {
      ++result_.salvaged;
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.frame.group > b.frame.group; });
  for (const Found& one : found) {
    if (load_checkpoint(one.root, one.frame)) {
      from_ = one.root;
      result_.checkpoint = one.frame.group;
      result_.checkpoint_segments = one.root.segments;
      result_.checkpoint_pages = std::uint64_t{1} + one.root.index_pages + one.root.table_pages;
      result_.end.last = from_.last;
      result_.end.next_sequence = from_.next_sequence;
      for (const std::uint32_t segment : from_.segments) segments_[segment].state = SegmentState::kCheckpoint;
      return;
    }
    // The log still holds everything: a checkpoint that cannot be read costs time, and is worth saying.
    ++result_.salvaged;
    index_.clear();
    for (std::uint32_t i = 0; i < segments_.count(); ++i) {
      segments_[i].removals = 0;
      segments_[i].removal_charge = 0;
    }
  }
}

bool Replay::load_checkpoint(const CheckpointRoot& root, const Frame& frame) {
  const std::uint32_t per_segment = segments_.usable_bytes() / kPageBytes;
  const std::uint64_t pages = std::uint64_t{1} + root.index_pages + root.table_pages;
  if (root.segment >= segments_.count() || (pages + per_segment - 1) / per_segment != root.segments.size()) return false;
  const std::uint64_t begin = segments_.begin_of(root.segment);
  if (root.position < begin || root.position > begin + segments_.usable_bytes() || root.position % kBlockBytes != 0) {
    return false;
  }
  std::vector<TableEntry> table;
  std::uint64_t page = 0;
  for (const std::uint32_t segment : root.segments) {
    if (segment >= segments_.count()) return false;
    load(segment);
    for (std::uint32_t i = 0; i < per_segment && page < pages; ++i, ++page) {
      const std::uint32_t at = i * kPageBytes;
      Frame found;
      if (!decode_page(loaded(at, at + kPageBytes), address_of(at), salt_, found) || found.group != frame.group ||
          found.previous.group != page || found.life != segments_[segment].life) {
        return false;
      }
      if (page > 0 && !load_page(loaded(at, at + kPageBytes), found, table)) return false;
    }
  }
  if (index_.size() != root.entries || table.size() != segments_.count()) return false;
  drop_outlived(table);
  for (std::uint32_t i = 0; i < segments_.count(); ++i) {
    // What lies in the log before the checkpoint is not read; the segment the log was in is counted on from there.
    const bool before = probes_[i].start == Start::kGroup && probes_[i].first.life == table[i].life;
    if (!before) continue;
    segments_[i].removals = table[i].removals;
    segments_[i].removal_charge = table[i].removal_charge;
  }
  return true;
}

// A segment is given back only when nothing in it is alive: entries that point at an earlier life of it were replaced or
// removed since, and the removal itself may be gone from the log with everything older. Entries newer than the table
// point at what is read again anyway. Segments that cannot be told to be given back keep theirs: those are damage.
void Replay::drop_outlived(const std::vector<TableEntry>& table) {
  std::vector<std::pair<std::uint32_t, IndexEntry>> outlived;
  index_.for_each([&](std::uint32_t keyspace, const IndexEntry& entry) {
    const std::uint32_t segment = segments_.index_of(entry.location.address());
    const Probe& probe = probes_[segment];
    const std::uint64_t life = table[segment].life;
    if (probe.retired >= std::max<std::uint64_t>(life, 1) || probe.first.life > life) {
      outlived.emplace_back(keyspace, entry);
    }
  });
  for (const auto& [keyspace, entry] : outlived) index_.erase(keyspace, entry.hash, entry.location);
}

bool Replay::load_page(base::Bytes page, const Frame& frame, std::vector<TableEntry>& table) {
  if (frame.kind == FrameKind::kTablePage) {
    std::vector<TableEntry> entries;
    if (!decode_table_entries(page, frame, entries)) return false;
    table.insert(table.end(), entries.begin(), entries.end());
    return true;
  }
  std::vector<IndexEntry> entries;
  if (!decode_index_entries(page, frame, entries)) return false;
  const std::uint64_t end = segments_.begin_of(0) + std::uint64_t{segments_.count()} * buffer_.size();
  return std::all_of(entries.begin(), entries.end(), [&](const IndexEntry& entry) {
    return entry.location.address() >= segments_.begin_of(0) && entry.location.address() + entry.location.bytes() <= end &&
           index_.append(static_cast<std::uint32_t>(frame.first_sequence), entry);
  });
}

}  // namespace ferrite::engine
