// How replay carries records into the index, and what it says of damaged ones.
#include <algorithm>
#include <cstring>

#include "checksum/xxh64.h"
#include "log/replay.h"

namespace ferrite::engine {

// `key` borrows from a buffer that the next read overwrites.
bool Replay::head_at(Location location, RecordHead& head, base::Bytes& key) {
  const std::uint64_t address = location.address();
  const std::uint64_t seed = segments_.seed_at(address);
  if (address >= base_ && address < base_ + buffer_.size()) {
    const auto at = static_cast<std::uint32_t>(address - base_);
    return decode_record_head(buffer_.bytes().subspan(at), address, seed, head, key);
  }
  const std::uint64_t start = address / kBlockBytes * kBlockBytes;
  read(start, block_.bytes());
  return decode_record_head(block_.bytes().subspan(address - start), address, seed, head, key);
}

bool Replay::key_at(Location location, std::uint64_t hash, base::Bytes key) {
  RecordHead head;
  base::Bytes found;
  // An unreadable record is as good as replaced by a newer one under its hash: what it held is reported already. So is
  // an entry of a checkpoint whose place has been used again since.
  if (!head_at(location, head, found) || checksum::xxh64(found) != hash) return true;
  return found.size() == key.size() && std::memcmp(found.data(), key.data(), key.size()) == 0;
}

Location Replay::find_same(std::uint32_t keyspace, std::uint64_t hash, base::Bytes key) {
  candidates_.resize(std::max<std::size_t>(candidates_.size(), 4));
  std::size_t count = index_.find(keyspace, hash, candidates_);
  if (count > candidates_.size()) {
    candidates_.resize(count);
    count = index_.find(keyspace, hash, candidates_);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Location candidate = candidates_[i];
    if (!doubt_ && count == 1) return candidate;
    const std::optional<bool> known = witness_.same(candidate, key);
    if (known.has_value() ? *known : key_at(candidate, hash, key)) return candidate;
  }
  return Location();
}

void Replay::apply(std::uint32_t position, const RecordHead& head, base::Bytes key, bool damaged, bool moved) {
  const std::uint64_t address = address_of(position);
  const Location location(address, record_bytes(head.key_bytes, head.value_bytes), damaged);
  if (head.kind != RecordKind::kPut) {
    ++segments_[segment_].removals;
    segments_[segment_].removal_charge += segments_.capacity().charge(location.bytes());
  }
  if (head.kind == RecordKind::kDrop) {
    apply_drop(head);
    return;
  }
  const std::uint64_t hash = checksum::xxh64(key);
  const Location older = find_same(head.keyspace, hash, key);
  if (head.kind == RecordKind::kRemove) {
    // A removal that was moved lies behind what may have been put since.
    RecordHead kept;
    base::Bytes kept_key;
    if (moved && !older.none() && head_at(older, kept, kept_key) && kept.sequence > head.sequence) return;
    if (!older.none()) index_.erase(head.keyspace, hash, older);
    return;
  }
  witness_.remember(location, key);
  segments_.note_expiry(location, head.expires_at_ms);
  if (older.none()) {
    index_.insert(head.keyspace, hash, location);
  } else {
    index_.replace(head.keyspace, hash, older, location);
  }
}

// A drop hides what lies before it in the log. One that was moved still stands for its first place: what lies in a
// segment that was taken into use before that one came earlier; everything else came later, or is hidden by the drop in
// its first place, which is read as long as that segment is part of the log.
void Replay::apply_drop(const RecordHead& head) {
  const std::uint64_t origin = head.expires_at_ms;
  if (origin == 0) {
    Index::Cut cut = index_.detach(head.keyspace, head.partition);
    index_.give_back(cut, ~std::size_t{0}, [](const IndexEntry&) {});
    return;
  }
  std::vector<IndexEntry> hidden;
  index_.for_each_of(head.keyspace, head.partition, [&](const IndexEntry& entry) {
    if (segments_[segments_.index_of(entry.location.address())].life < origin) hidden.push_back(entry);
  });
  for (const IndexEntry& entry : hidden) index_.erase(head.keyspace, entry.hash, entry.location);
}

// What every segment holds for the index. An entry that points at no part of the log is damage.
void Replay::count_live() {
  struct Astray {
    std::uint32_t keyspace;
    IndexEntry entry;
  };
  std::vector<Astray> astray;
  index_.for_each([&](std::uint32_t keyspace, const IndexEntry& entry) {
    if (!segments_.in_log(segments_.index_of(entry.location.address()))) {
      astray.push_back({keyspace, entry});
      return;
    }
    segments_.keep(entry.location);
    result_.record_bytes += entry.location.bytes();
  });
  for (const Astray& one : astray) index_.erase(one.keyspace, one.entry.hash, one.entry.location);
  if (!astray.empty()) report_unknown();
}

void Replay::report_unknown() {
  if (unknown_reported_) return;
  unknown_reported_ = true;
  result_.damaged.push_back({std::nullopt, std::nullopt, base::Reason::kChecksumMismatch});
}

// Names the partitions of damaged records that nothing newer has replaced.
void Replay::report_known() {
  if (damaged_records_ == 0) return;
  std::uint64_t current = 0;
  index_.for_each([&](std::uint32_t keyspace, const IndexEntry& entry) {
    if (!entry.location.damaged()) return;
    ++current;
    const Damage damage{keyspace, partition_of(entry.hash, superblock_.partition_bits),
                        base::Reason::kChecksumMismatch};
    const bool known = !result_.damaged.empty() && result_.damaged.back().keyspace == damage.keyspace &&
                       result_.damaged.back().partition == damage.partition;
    if (!known) result_.damaged.push_back(damage);
  });
  if (current < damaged_records_) ++result_.salvaged;
}

}  // namespace ferrite::engine
