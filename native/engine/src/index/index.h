// The index in memory: (keyspace, hash) -> location, ordered by (keyspace, hash), which is partition-major because a
// partition is the top bits of the hash. Keys with equal hashes are neighbours; who needs to tell them apart reads them.
// Threads: the reactor. Owns its leaves; grows by chunks of leaves and gives none back before destruction.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "index/location.h"

namespace ferrite::engine {

struct IndexEntry {
  std::uint64_t hash = 0;
  Location location;
};
static_assert(sizeof(IndexEntry) == 16);

class Index {
 public:
  explicit Index(std::uint32_t partition_bits) noexcept : partition_bits_(partition_bits) {}

  /// Up to `out.size()` locations stored under a hash; returns how many there are, which may be more.
  [[nodiscard]] std::size_t find(std::uint32_t keyspace, std::uint64_t hash, std::span<Location> out) const noexcept;
  /// Is this location stored under the hash?
  [[nodiscard]] bool contains(std::uint32_t keyspace, std::uint64_t hash, Location location) const noexcept;
  void insert(std::uint32_t keyspace, std::uint64_t hash, Location location);
  /// Replaces one location by another under the same hash; false when `from` is not there.
  bool replace(std::uint32_t keyspace, std::uint64_t hash, Location from, Location to) noexcept;
  /// False when it is not there.
  bool erase(std::uint32_t keyspace, std::uint64_t hash, Location location) noexcept;
  /// Copies entries of one partition in order, from the first with hash >= `from_hash`; returns how many.
  [[nodiscard]] std::size_t collect(std::uint32_t keyspace, std::uint32_t partition, std::uint64_t from_hash,
                                    std::span<IndexEntry> out) const noexcept;
  /// The same across partitions.
  [[nodiscard]] std::size_t collect_all(std::uint32_t keyspace, std::uint64_t from_hash,
                                        std::span<IndexEntry> out) const noexcept;
  /// The lowest keyspace with an id of at least this that was ever written to; false when there is none.
  [[nodiscard]] bool keyspace_from(std::uint32_t& keyspace) const noexcept;
  /// Adds an entry behind every other of its keyspace; false when it does not belong there.
  bool append(std::uint32_t keyspace, IndexEntry entry);
  void clear() noexcept;

  class Cut;
  /// Takes a partition out as a whole: nothing is found in it any more, and what it held is the cut's.
  [[nodiscard]] Cut detach(std::uint32_t keyspace, std::uint32_t partition) noexcept;
  /// Calls visit(entry) for up to `leaves` leaves of a cut, from its end, and takes their memory back.
  template <typename Visit>
  void give_back(Cut& cut, std::size_t leaves, Visit&& visit);
  /// Calls visit(entry) for every entry of a partition, in order.
  template <typename Visit>
  void for_each_of(std::uint32_t keyspace, std::uint32_t partition, Visit&& visit) const {
    const Partition* found = partition_of(keyspace, first_hash(partition));
    if (found == nullptr) return;
    for (const LeafRef& ref : *found) {
      for (std::uint32_t i = 0; i < ref.count; ++i) visit(ref.leaf->entries[i]);
    }
  }
  /// Calls visit(keyspace, entry) for every entry, in order.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Keyspace& keyspace : keyspaces_) {
      for (const Partition& partition : keyspace.partitions) {
        for (const LeafRef& ref : partition) {
          for (std::uint32_t i = 0; i < ref.count; ++i) visit(keyspace.id, ref.leaf->entries[i]);
        }
      }
    }
  }

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Memory held, bytes.
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

 private:
  static constexpr std::uint32_t kLeafEntries = 64;
  /// Leaves filled in order leave room for what comes between.
  static constexpr std::uint32_t kAppendedEntries = 56;
  static constexpr std::size_t kChunkLeaves = 256;

  struct Leaf {
    std::array<IndexEntry, kLeafEntries> entries;
  };
  struct LeafRef {
    Leaf* leaf;
    std::uint64_t first_hash;
    std::uint32_t count;
  };
  using Partition = std::vector<LeafRef>;
  struct Keyspace {
    std::uint32_t id;
    std::vector<Partition> partitions;
  };
  struct Place {
    std::size_t leaf;
    std::uint32_t entry;
  };

  [[nodiscard]] std::uint64_t first_hash(std::uint32_t partition) const noexcept;
  [[nodiscard]] const Partition* partition_of(std::uint32_t keyspace, std::uint64_t hash) const noexcept;
  [[nodiscard]] Partition* partition_of(std::uint32_t keyspace, std::uint64_t hash) noexcept;
  Partition& made_partition(std::uint32_t keyspace, std::uint64_t hash);
  [[nodiscard]] static Place lower_bound(const Partition& partition, std::uint64_t hash) noexcept;
  [[nodiscard]] static bool advance(const Partition& partition, Place& place) noexcept;
  [[nodiscard]] static bool locate(const Partition& partition, std::uint64_t hash, Location location,
                                   Place& place) noexcept;
  void make_room(Partition& partition, std::size_t full);
  void rebalance(Partition& partition, std::size_t left, std::uint32_t left_count) noexcept;
  Leaf* take_leaf();

  const std::uint32_t partition_bits_;
  std::vector<Keyspace> keyspaces_;
  std::vector<std::unique_ptr<Leaf[]>> chunks_;
  std::vector<Leaf*> free_leaves_;
  std::uint64_t size_ = 0;
};

/// The entries of a partition that was taken out of the index. Does not outlive it.
class Index::Cut {
 public:
  [[nodiscard]] bool empty() const noexcept { return leaves_.empty(); }

 private:
  friend class Index;
  Partition leaves_;
};

template <typename Visit>
void Index::give_back(Cut& cut, std::size_t leaves, Visit&& visit) {
  for (; leaves > 0 && !cut.empty(); --leaves) {
    const LeafRef ref = cut.leaves_.back();
    cut.leaves_.pop_back();
    for (std::uint32_t i = 0; i < ref.count; ++i) visit(ref.leaf->entries[i]);
    free_leaves_.push_back(ref.leaf);
  }
}

}  // namespace ferrite::engine
