// What an engine counts of itself. Threads: written by the reactor or under the core's mutex, read by anyone.
#pragma once

#include <atomic>
#include <cstdint>

namespace ferrite::engine::internal {

struct Counters {
  std::atomic<std::uint64_t> records{0}, record_bytes{0}, segments_free{0}, free_bytes{0}, appends{0}, removes{0},
      gets{0}, scans{0}, groups{0}, seals{0}, flushes{0}, written_bytes{0}, read_bytes{0}, device_reads{0},
      index_bytes{0}, checksum_failures{0}, refused_full{0}, refused_overloaded{0}, user_bytes{0}, moved_bytes{0},
      prepared_bytes{0}, checkpoint_bytes{0}, checkpoints{0}, expired{0};
};

inline void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) noexcept {
  counter.fetch_add(amount, std::memory_order_relaxed);
}

}  // namespace ferrite::engine::internal
