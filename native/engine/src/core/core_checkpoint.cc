// Index checkpoints: the index is written out in order while the log goes on, so that opening reads it and then only the
// log's end. Entries may be newer than the place the log is read from: reading the log again over them ends the same.
#include <algorithm>

#include "core/core.h"

namespace ferrite::engine::internal {
namespace {

constexpr std::uint32_t kBatchPages = 16;
/// A checkpoint is due after this many records, or half as many as there are keys, or so many bytes.
constexpr std::uint64_t kRecordsMin = 1U << 18U;
constexpr std::uint64_t kBytesMax = 4ULL << 30U;
/// Closing leaves no more than this to be read again.
constexpr std::uint64_t kRecordsAtClose = 1U << 16U;
constexpr std::uint64_t kBytesAtClose = 64U << 20U;
/// While there are writes, one batch of pages goes out in this time.
constexpr std::chrono::microseconds kPace{1000};

}  // namespace

void Core::count_for_checkpoint(std::uint64_t records, std::uint64_t bytes) noexcept {
  checkpoint_.records_since += records;
  checkpoint_.bytes_since += bytes;
}

std::uint64_t Core::records_between_checkpoints() const noexcept {
  return options_.checkpoint_records > 0 ? options_.checkpoint_records : std::max(kRecordsMin, index_->size() / 2);
}

bool Core::checkpoint_due() const noexcept {
  if (checkpoint_.refused || stalled_ || !has_active_ || leave_active_) return false;
  if (draining_) {
    return !log_busy() && group_ == nullptr && sealed_ &&
           (checkpoint_.records_since >= std::min(kRecordsAtClose, records_between_checkpoints()) ||
            checkpoint_.bytes_since >= kBytesAtClose);
  }
  return checkpoint_.records_since >= records_between_checkpoints() || checkpoint_.bytes_since >= kBytesMax;
}

void Core::pump_checkpoint() noexcept {
  if (failed() || checkpoint_.writing) return;
  if (!checkpoint_.active()) {
    if (checkpoint_.refused && checkpoint_.records_since >= 2 * records_between_checkpoints()) {
      checkpoint_.refused = false;
      checkpoint_.records_since /= 2;
    }
    if (!checkpoint_due()) return;
    begin_checkpoint();
  }
  if (!draining_ && (group_ != nullptr || moving_.writing) && now() - checkpoint_.last_write < kPace) return;
  write_pages();
}

void Core::begin_checkpoint() noexcept {
  checkpoint_.step = Checkpointing::Step::kEntries;
  checkpoint_.number = ++checkpoint_number_;
  checkpoint_.root = CheckpointRoot{last_, position_, applied_sequence_ + 1, 0, active_, 0, 0, {}};
  checkpoint_.table.assign(segments_->count(), TableEntry());
  for (std::uint32_t i = 0; i < segments_->count(); ++i) {
    const Segment& segment = (*segments_)[i];
    if (!segments_->in_log(i)) continue;
    checkpoint_.table[i] = {segment.life, segment.removals, static_cast<std::uint32_t>(segment.removal_charge)};
  }
  checkpoint_.table_next = 0;
  checkpoint_.next_page = 1;
  checkpoint_.keyspace = 0;
  checkpoint_.hash = 0;
  checkpoint_.records_before = checkpoint_.records_since;
  checkpoint_.bytes_before = checkpoint_.bytes_since;
  if (checkpoint_.buffer.size() == 0) checkpoint_.buffer = base::AlignedBuffer(kBatchPages * kPageBytes);
  scan_entries_.resize(std::max<std::size_t>(scan_entries_.size(), kPageEntries));
}

// Fills the next page of entries; false when there are none left.
bool Core::fill_index_page(const PageId& id, base::MutableBytes page) noexcept {
  while (index_->keyspace_from(checkpoint_.keyspace)) {
    const std::span<IndexEntry> entries(scan_entries_.data(), kPageEntries);
    std::size_t count = index_->collect_all(checkpoint_.keyspace, checkpoint_.hash, entries);
    const bool more = count == entries.size();
    if (more) {
      // Entries of one hash stay together, so that the walk can go on behind a hash.
      checkpoint_.hash = entries.back().hash;
      while (count > 0 && entries[count - 1].hash == checkpoint_.hash) --count;
      if (count == 0) {
        abort_checkpoint();
        return false;
      }
    }
    const std::uint32_t keyspace = checkpoint_.keyspace;
    if (!more) {
      checkpoint_.hash = 0;
      ++checkpoint_.keyspace;
      if (checkpoint_.keyspace == 0) checkpoint_.step = Checkpointing::Step::kTable;  // that was the last there can be
    }
    if (count == 0) continue;
    encode_index_page(id, salt_, keyspace, entries.first(count), page);
    checkpoint_.root.entries += count;
    ++checkpoint_.root.index_pages;
    return true;
  }
  return false;
}

bool Core::fill_page(const PageId& id, base::MutableBytes page) noexcept {
  if (checkpoint_.step == Checkpointing::Step::kEntries) {
    if (fill_index_page(id, page)) return true;
    if (!checkpoint_.active()) return false;
    checkpoint_.step = Checkpointing::Step::kTable;
  }
  const std::span<const TableEntry> rest = std::span<const TableEntry>(checkpoint_.table).subspan(checkpoint_.table_next);
  if (rest.empty()) return false;
  const std::size_t count = std::min<std::size_t>(rest.size(), kPageTableEntries);
  encode_table_page(id, salt_, rest.first(count), page);
  checkpoint_.table_next += count;
  ++checkpoint_.root.table_pages;
  return true;
}

// Takes a segment for pages, as long as everything promised still fits without it.
bool Core::take_page_segment() noexcept {
  const std::optional<std::uint32_t> segment =
      segments_->free_count() > kSparedForMoving + 1 ? segments_->pick_free() : std::nullopt;
  if (!segment.has_value() || checkpoint_.root.segments.size() == kRootSegmentsMax) return false;
  {
    const std::lock_guard lock(mutex_);
    const Capacity without(segments_->limited() - 1, segments_->usable_bytes());
    if (promised_ > without.puts()) return false;
    segments_->hold(1);
    note_space();
  }
  Segment& taken = (*segments_)[*segment];
  taken.state = SegmentState::kCheckpoint;
  taken.life = ++life_;
  taken.version = kFrameVersion;
  taken.written = true;
  checkpoint_.root.segments.push_back(*segment);
  counters_.segments_free.store(segments_->free_count(), std::memory_order_relaxed);
  return true;
}

void Core::write_pages() noexcept {
  const std::uint32_t per_segment = segments_->usable_bytes() / kPageBytes;
  if (checkpoint_.root.segments.empty() && !take_page_segment()) {
    abort_checkpoint();
    return;
  }
  std::uint64_t address = 0;
  std::uint32_t pages = 0;
  while (pages < kBatchPages && checkpoint_.active()) {
    const std::uint32_t page = checkpoint_.next_page + pages;
    if (pages > 0 && page % per_segment == 0) break;
    const std::uint32_t place = page / per_segment;
    const bool fresh = place == checkpoint_.root.segments.size();
    if (fresh && checkpoint_.table_next == checkpoint_.table.size()) break;  // nothing is left to be written
    if (fresh && !take_page_segment()) {
      abort_checkpoint();
      return;
    }
    const std::uint32_t segment = checkpoint_.root.segments[place];
    const PageId id{checkpoint_.number, page, segments_->begin_of(segment) + std::uint64_t{page % per_segment} * kPageBytes,
                    (*segments_)[segment].life};
    if (!fill_page(id, checkpoint_.buffer.bytes().subspan(std::size_t{pages} * kPageBytes, kPageBytes))) break;
    if (pages++ == 0) address = id.address;
  }
  if (!checkpoint_.active()) return;
  checkpoint_.next_page += pages;
  checkpoint_.writing = true;
  checkpoint_.io.owner = this;
  const auto done = [](IoRequest& request) { static_cast<Core*>(request.owner)->finish_pages(); };
  if (pages > 0) {
    add(counters_.checkpoint_bytes, std::uint64_t{pages} * kPageBytes);
    start_io(checkpoint_.io, IoKind::kWrite, address, pages * kPageBytes, checkpoint_.buffer.data(), done);
  } else if (checkpoint_.step == Checkpointing::Step::kTable) {
    checkpoint_.step = Checkpointing::Step::kFlush;
    start_io(checkpoint_.io, IoKind::kFlush, 0, 0, nullptr, done);
  } else {
    checkpoint_.step = Checkpointing::Step::kRoot;
    const std::uint32_t segment = checkpoint_.root.segments.front();
    const PageId id{checkpoint_.number, 0, segments_->begin_of(segment), (*segments_)[segment].life};
    encode_root_page(id, salt_, checkpoint_.root, checkpoint_.buffer.bytes().first(kPageBytes));
    add(counters_.checkpoint_bytes, kPageBytes);
    start_io(checkpoint_.io, IoKind::kWriteDurable, id.address, kPageBytes, checkpoint_.buffer.data(), done);
  }
}

void Core::finish_pages() noexcept {
  checkpoint_.writing = false;
  checkpoint_.last_write = now();
  if (checkpoint_.io.error != 0) {
    fail(checkpoint_.io.error, "a write of the index checkpoint failed");
    return;
  }
  if (checkpoint_.step != Checkpointing::Step::kRoot) {
    pump_checkpoint();
    return;
  }
  retire_pages(checkpoint_.current);
  checkpoint_.current = std::move(checkpoint_.root.segments);
  checkpoint_.current_pages = checkpoint_.next_page;
  checkpoint_.step = Checkpointing::Step::kIdle;
  checkpoint_.records_since -= checkpoint_.records_before;
  checkpoint_.bytes_since -= checkpoint_.bytes_before;
  checkpoint_.finished = now();
  add(counters_.checkpoints, 1);
  pump_free();
}

// Pages that serve no longer: their segments are given back like any that holds nothing alive.
void Core::retire_pages(std::vector<std::uint32_t>& segments) noexcept {
  for (const std::uint32_t segment : segments) (*segments_)[segment].state = SegmentState::kFull;
  const std::lock_guard lock(mutex_);
  segments_->hold(-static_cast<std::int32_t>(segments.size()));
  note_space();
  segments.clear();
}

// Without room for two, the older one goes: until the next is whole, opening reads the whole log.
void Core::abort_checkpoint() noexcept {
  retire_pages(checkpoint_.root.segments);
  retire_pages(checkpoint_.current);
  checkpoint_.step = Checkpointing::Step::kIdle;
  checkpoint_.refused = true;
}

}  // namespace ferrite::engine::internal
