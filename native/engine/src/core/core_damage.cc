// Damage found is named and passed on, whoever found it.
#include <algorithm>

#include "checksum/xxh64.h"
#include "core/core.h"

namespace ferrite::engine::internal {
namespace {

/// Index entries looked at in one turn of the reactor; what is found in them is read before the search goes on.
constexpr std::size_t kSliceEntries = 4096;

}  // namespace

void Core::report_damage(std::uint32_t keyspace, std::uint64_t hash, base::Bytes key, DamageSource source) noexcept {
  DamageReport report;
  report.keyspace = keyspace;
  report.partition = partition_of(hash, superblock_.partition_bits);
  report.key.assign(key.begin(), key.end());
  report.source = source;
  damage_.add(std::move(report));
}

// A record of a page that was not sound: named by its key if at least its head is whole.
void Core::report_part(std::uint32_t keyspace, const ReadOp& op, const ReadOp::Part& part) noexcept {
  const std::uint64_t address = part.location.address();
  const base::Bytes read = op.buffer->memory.bytes().subspan(part.offset, part.io.length - address % kBlockBytes);
  RecordHead head;
  base::Bytes key;
  const bool known =
      part.io.error == 0 && decode_record_head(read, address, segments_->seed_at(address), head, key);
  report_damage(keyspace, part.hash, known ? key : base::Bytes(), DamageSource::kRead);
}

void Core::report_lane_damage(std::uint32_t keyspace, base::Bytes key) noexcept {
  add(counters_.checksum_failures, 1);
  report_damage(keyspace, checksum::xxh64(key), key, DamageSource::kRead);
  const std::lock_guard lock(mutex_);
  if (!finished_) wake_if_parked();
}

void Core::tell_of_damage() noexcept {
  if (!damage_.take_news()) return;
  std::vector<std::shared_ptr<ClientQueue>> clients;
  {
    const std::lock_guard lock(mutex_);
    clients = clients_;
  }
  for (const std::shared_ptr<ClientQueue>& client : clients) {
    if (!client->take_damage_slot()) continue;
    Completion news;
    news.kind = OpKind::kDamage;
    deliver(client.get(), std::move(news), 0);
  }
}

void Core::suspect(std::uint64_t begin, std::uint64_t end, DamageSource source) noexcept {
  std::vector<Suspects::Span>& fresh = suspects_.fresh;
  if (!fresh.empty() && fresh.back().end == begin && fresh.back().source == source) {
    fresh.back().end = end;
  } else {
    fresh.push_back({begin, end, source});
  }
}

void Core::pump_suspects() noexcept {
  if (suspects_.reading) return;
  if (failed() || draining_) {
    suspects_.fresh.clear();
    suspects_.spans.clear();
    suspects_.entries.clear();
    return;
  }
  if (!suspects_.entries.empty()) {
    read_suspect();
  } else if (!suspects_.spans.empty()) {
    search_suspects();
  } else if (!suspects_.fresh.empty()) {
    suspects_.spans.swap(suspects_.fresh);
    std::sort(suspects_.spans.begin(), suspects_.spans.end(),
              [](const Suspects::Span& a, const Suspects::Span& b) { return a.begin < b.begin; });
    suspects_.keyspace = 0;
    suspects_.hash = 0;
    suspects_.slice.resize(kSliceEntries);
  } else if (suspects_.buffer.size() > 0) {
    suspects_.buffer = base::AlignedBuffer();
  }
}

// Looks through one slice of the index for records that lie in a span.
void Core::search_suspects() noexcept {
  Suspects& s = suspects_;
  if (!index_->keyspace_from(s.keyspace)) {
    s.spans.clear();
    return;
  }
  std::size_t count = index_->collect_all(s.keyspace, s.hash, s.slice);
  const bool more = count == s.slice.size();
  if (more) {
    // Entries of one hash stay together, so that the walk can go on at a hash.
    const std::uint64_t last = s.slice.back().hash;
    while (count > 0 && s.slice[count - 1].hash == last) --count;
    s.hash = last;
    if (count == 0) {
      s.slice.resize(s.slice.size() * 2);
      return;
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Location location = s.slice[i].location;
    const auto behind = std::upper_bound(s.spans.begin(), s.spans.end(), location.address() + location.bytes() - 1,
                                         [](std::uint64_t at, const Suspects::Span& span) { return at < span.begin; });
    if (behind == s.spans.begin() || std::prev(behind)->end <= location.address()) continue;
    s.entries.push_back({s.keyspace, s.slice[i], std::prev(behind)->source});
  }
  if (more) return;
  s.hash = 0;
  if (++s.keyspace == 0) s.spans.clear();  // that was the last there can be
}

void Core::read_suspect() noexcept {
  Suspects& s = suspects_;
  while (!s.entries.empty()) {
    const auto& [keyspace, entry, source] = s.entries.back();
    if (index_->contains(keyspace, entry.hash, entry.location)) break;
    s.entries.pop_back();
  }
  if (s.entries.empty()) return;
  const Location location = s.entries.back().entry.location;
  const std::uint64_t start = location.address() / kBlockBytes * kBlockBytes;
  const auto length = static_cast<std::uint32_t>(
      base::round_up<std::uint64_t>(location.address() + location.bytes(), kBlockBytes) - start);
  if (s.buffer.size() < length) s.buffer = base::AlignedBuffer(length);
  ++segments_->at(start).readers;
  s.reading = true;
  s.io.owner = this;
  start_io(s.io, IoKind::kRead, start, length, s.buffer.data(),
           [](IoRequest& request) { static_cast<Core*>(request.owner)->finish_suspect(); });
}

void Core::finish_suspect() noexcept {
  Suspects& s = suspects_;
  const auto [keyspace, entry, source] = s.entries.back();
  s.entries.pop_back();
  s.reading = false;
  const std::uint64_t address = entry.location.address();
  --segments_->at(address).readers;
  const base::Bytes read = s.buffer.bytes().first(s.io.length).subspan(address % kBlockBytes);
  RecordHead head;
  base::Bytes key;
  base::Bytes value;
  const bool whole_head =
      s.io.error == 0 && decode_record_head(read, address, segments_->seed_at(address), head, key) &&
      head.keyspace == keyspace && checksum::xxh64(key) == entry.hash;
  const bool sound = whole_head && decode_record_value(read, head, value);
  // What was replaced or moved meanwhile is no loss.
  if (!sound && index_->contains(keyspace, entry.hash, entry.location)) {
    if (source == DamageSource::kScrub) add(scrubbing_.damaged_records, 1);
    add(counters_.checksum_failures, 1);
    report_damage(keyspace, entry.hash, whole_head ? key : base::Bytes(), source);
  }
  pump_suspects();
}

}  // namespace ferrite::engine::internal
