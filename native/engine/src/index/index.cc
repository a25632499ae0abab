#include "index/index.h"

#include <algorithm>

#include "engine/engine.h"

namespace ferrite::engine {

std::uint64_t Index::first_hash(std::uint32_t partition) const noexcept {
  return engine::first_hash_of(partition, partition_bits_);
}

const Index::Partition* Index::partition_of(std::uint32_t keyspace, std::uint64_t hash) const noexcept {
  const auto found = std::lower_bound(keyspaces_.begin(), keyspaces_.end(), keyspace,
                                      [](const Keyspace& k, std::uint32_t id) { return k.id < id; });
  if (found == keyspaces_.end() || found->id != keyspace) return nullptr;
  return &found->partitions[engine::partition_of(hash, partition_bits_)];
}

Index::Partition* Index::partition_of(std::uint32_t keyspace, std::uint64_t hash) noexcept {
  return const_cast<Partition*>(std::as_const(*this).partition_of(keyspace, hash));
}

Index::Partition& Index::made_partition(std::uint32_t keyspace, std::uint64_t hash) {
  if (Partition* partition = partition_of(keyspace, hash)) return *partition;
  const auto place = std::lower_bound(keyspaces_.begin(), keyspaces_.end(), keyspace,
                                      [](const Keyspace& k, std::uint32_t id) { return k.id < id; });
  keyspaces_.insert(place, {keyspace, std::vector<Partition>(std::size_t{1} << partition_bits_)});
  return *partition_of(keyspace, hash);
}

// The first entry with a hash >= `hash`; one past the last entry of the last leaf when there is none.
Index::Place Index::lower_bound(const Partition& partition, std::uint64_t hash) noexcept {
  auto leaf = std::lower_bound(partition.begin(), partition.end(), hash,
                               [](const LeafRef& ref, std::uint64_t h) { return ref.first_hash < h; });
  if (leaf != partition.begin()) --leaf;
  Place place{static_cast<std::size_t>(leaf - partition.begin()), 0};
  if (partition.empty()) return place;
  const IndexEntry* entries = leaf->leaf->entries.data();
  const IndexEntry* found = std::lower_bound(entries, entries + leaf->count, hash,
                                             [](const IndexEntry& e, std::uint64_t h) { return e.hash < h; });
  place.entry = static_cast<std::uint32_t>(found - entries);
  if (place.entry == leaf->count && place.leaf + 1 < partition.size()) return {place.leaf + 1, 0};
  return place;
}

bool Index::advance(const Partition& partition, Place& place) noexcept {
  if (++place.entry < partition[place.leaf].count) return true;
  place = {place.leaf + 1, 0};
  return place.leaf < partition.size();
}

bool Index::locate(const Partition& partition, std::uint64_t hash, Location location, Place& place) noexcept {
  place = lower_bound(partition, hash);
  if (place.leaf >= partition.size() || place.entry >= partition[place.leaf].count) return false;
  do {
    const IndexEntry& entry = partition[place.leaf].leaf->entries[place.entry];
    if (entry.hash != hash) return false;
    if (entry.location == location) return true;
  } while (advance(partition, place));
  return false;
}

std::size_t Index::find(std::uint32_t keyspace, std::uint64_t hash, std::span<Location> out) const noexcept {
  const Partition* partition = partition_of(keyspace, hash);
  if (partition == nullptr) return 0;
  Place place = lower_bound(*partition, hash);
  if (place.leaf >= partition->size() || place.entry >= (*partition)[place.leaf].count) return 0;
  std::size_t count = 0;
  do {
    const IndexEntry& entry = (*partition)[place.leaf].leaf->entries[place.entry];
    if (entry.hash != hash) break;
    if (count < out.size()) out[count] = entry.location;
    ++count;
  } while (advance(*partition, place));
  return count;
}

bool Index::contains(std::uint32_t keyspace, std::uint64_t hash, Location location) const noexcept {
  const Partition* partition = partition_of(keyspace, hash);
  Place place{};
  return partition != nullptr && locate(*partition, hash, location, place);
}

std::size_t Index::collect(std::uint32_t keyspace, std::uint32_t partition, std::uint64_t from_hash,
                           std::span<IndexEntry> out) const noexcept {
  const std::uint64_t start = first_hash(partition);
  const Partition* found = partition_of(keyspace, start);
  if (found == nullptr) return 0;
  Place place = lower_bound(*found, std::max(from_hash, start));
  if (place.leaf >= found->size() || place.entry >= (*found)[place.leaf].count) return 0;
  std::size_t count = 0;
  while (count < out.size()) {
    out[count++] = (*found)[place.leaf].leaf->entries[place.entry];
    if (!advance(*found, place)) break;
  }
  return count;
}

std::size_t Index::collect_all(std::uint32_t keyspace, std::uint64_t from_hash,
                               std::span<IndexEntry> out) const noexcept {
  std::size_t count = 0;
  const std::uint32_t last = (1U << partition_bits_) - 1;
  for (std::uint32_t p = engine::partition_of(from_hash, partition_bits_);; ++p) {
    count += collect(keyspace, p, from_hash, out.subspan(count));
    if (p == last || count == out.size()) return count;
  }
}

bool Index::keyspace_from(std::uint32_t& keyspace) const noexcept {
  const auto found = std::lower_bound(keyspaces_.begin(), keyspaces_.end(), keyspace,
                                      [](const Keyspace& k, std::uint32_t id) { return k.id < id; });
  if (found == keyspaces_.end()) return false;
  keyspace = found->id;
  return true;
}

bool Index::append(std::uint32_t keyspace, IndexEntry entry) {
  Partition& partition = made_partition(keyspace, entry.hash);
  if (!partition.empty()) {
    LeafRef& last = partition.back();
    if (last.leaf->entries[last.count - 1].hash > entry.hash) return false;
    if (last.count < kAppendedEntries) {
      last.leaf->entries[last.count++] = entry;
      ++size_;
      return true;
    }
  }
  partition.push_back({take_leaf(), entry.hash, 1});
  partition.back().leaf->entries[0] = entry;
  ++size_;
  return true;
}

Index::Cut Index::detach(std::uint32_t keyspace, std::uint32_t partition) noexcept {
  Cut cut;
  Partition* found = partition_of(keyspace, first_hash(partition));
  if (found == nullptr) return cut;
  cut.leaves_.swap(*found);
  for (const LeafRef& ref : cut.leaves_) size_ -= ref.count;
  return cut;
}

void Index::clear() noexcept {
  keyspaces_.clear();
  chunks_.clear();
  free_leaves_.clear();
  size_ = 0;
}

void Index::insert(std::uint32_t keyspace, std::uint64_t hash, Location location) {
  Partition& partition = made_partition(keyspace, hash);
  if (partition.empty()) partition.push_back({take_leaf(), hash, 0});
  for (;;) {
    Place place = lower_bound(partition, hash);
    // The end of a leaf does as well as the start of the next one.
    if (place.entry == 0 && place.leaf > 0 && partition[place.leaf - 1].count < kLeafEntries) {
      place = {place.leaf - 1, partition[place.leaf - 1].count};
    }
    LeafRef& ref = partition[place.leaf];
    if (ref.count == kLeafEntries) {
      make_room(partition, place.leaf);
      continue;
    }
    IndexEntry* entries = ref.leaf->entries.data();
    std::copy_backward(entries + place.entry, entries + ref.count, entries + ref.count + 1);
    entries[place.entry] = {hash, location};
    ++ref.count;
    ref.first_hash = entries[0].hash;
    ++size_;
    return;
  }
}

// Spreads leaf `left` and the next one so that the left holds `left_count`.
void Index::rebalance(Partition& partition, std::size_t left, std::uint32_t left_count) noexcept {
  LeafRef& a = partition[left];
  LeafRef& b = partition[left + 1];
  IndexEntry* from = a.leaf->entries.data();
  IndexEntry* to = b.leaf->entries.data();
  if (left_count < a.count) {
    const std::uint32_t moved = a.count - left_count;
    std::copy_backward(to, to + b.count, to + b.count + moved);
    std::copy(from + left_count, from + a.count, to);
    b.count += moved;
  } else {
    const std::uint32_t moved = left_count - a.count;
    std::copy(to, to + moved, from + a.count);
    std::copy(to + moved, to + b.count, to);
    b.count -= moved;
  }
  a.count = left_count;
  a.first_hash = from[0].hash;
  b.first_hash = to[0].hash;
}

// Makes room around a full leaf: shares with a neighbour, or splits two full leaves into three, so that leaves stay at
// least two thirds full and about four fifths on average (B*-tree; Knuth, volume 3, 6.2.4).
void Index::make_room(Partition& partition, std::size_t full) {
  for (const bool right : {true, false}) {
    if (right ? full + 1 >= partition.size() : full == 0) continue;
    const std::size_t left = right ? full : full - 1;
    const std::uint32_t sum = partition[left].count + partition[left + 1].count;
    if (sum < 2 * kLeafEntries - 1) {
      rebalance(partition, left, (sum + 1) / 2);
      return;
    }
  }
  if (partition.size() == 1) {
    partition.push_back({take_leaf(), 0, 0});
    rebalance(partition, 0, kLeafEntries / 2);
    return;
  }
  const std::size_t left = full + 1 < partition.size() ? full : full - 1;
  const std::uint32_t sum = partition[left].count + partition[left + 1].count;
  partition.insert(partition.begin() + static_cast<std::ptrdiff_t>(left) + 2, LeafRef{take_leaf(), 0, 0});
  rebalance(partition, left + 1, partition[left + 1].count - sum / 3);
  rebalance(partition, left, sum - 2 * (sum / 3));
}

Index::Leaf* Index::take_leaf() {
  if (free_leaves_.empty()) {
    chunks_.push_back(std::make_unique_for_overwrite<Leaf[]>(kChunkLeaves));
    for (std::size_t i = kChunkLeaves; i-- > 0;) free_leaves_.push_back(&chunks_.back()[i]);
  }
  Leaf* leaf = free_leaves_.back();
  free_leaves_.pop_back();
  return leaf;
}

bool Index::replace(std::uint32_t keyspace, std::uint64_t hash, Location from, Location to) noexcept {
  Partition* partition = partition_of(keyspace, hash);
  Place place{};
  if (partition == nullptr || !locate(*partition, hash, from, place)) return false;
  (*partition)[place.leaf].leaf->entries[place.entry].location = to;
  return true;
}

bool Index::erase(std::uint32_t keyspace, std::uint64_t hash, Location location) noexcept {
  Partition* partition = partition_of(keyspace, hash);
  Place place{};
  if (partition == nullptr || !locate(*partition, hash, location, place)) return false;
  LeafRef& ref = (*partition)[place.leaf];
  IndexEntry* entries = ref.leaf->entries.data();
  std::copy(entries + place.entry + 1, entries + ref.count, entries + place.entry);
  --ref.count;
  --size_;
  if (ref.count > 0) {
    ref.first_hash = entries[0].hash;
    // Sparse neighbours are joined, so that memory follows the number of keys downwards too.
    for (const std::size_t left : {place.leaf, place.leaf - 1}) {
      if (left >= partition->size() - 1) continue;  // also for the leaf before the first
      const std::uint32_t sum = (*partition)[left].count + (*partition)[left + 1].count;
      if (sum > kLeafEntries / 2) continue;
      rebalance(*partition, left, sum);
      place.leaf = left + 1;
      break;
    }
  }
  if ((*partition)[place.leaf].count == 0) {
    free_leaves_.push_back((*partition)[place.leaf].leaf);
    partition->erase(partition->begin() + static_cast<std::ptrdiff_t>(place.leaf));
  }
  return true;
}

std::uint64_t Index::memory_bytes() const noexcept {
  std::uint64_t bytes = chunks_.size() * kChunkLeaves * (sizeof(Leaf) + sizeof(Leaf*));
  for (const Keyspace& keyspace : keyspaces_) {
    bytes += keyspace.partitions.size() * sizeof(Partition);
    for (const Partition& partition : keyspace.partitions) bytes += partition.capacity() * sizeof(LeafRef);
  }
  return bytes;
}

}  // namespace ferrite::engine
