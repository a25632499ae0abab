// The state of compaction: the segment being emptied, what was read of it and the group that carries its records on.
// Threads: the reactor. Owned by the core; core_compact.cc is its only user.
#pragma once

#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "engine/block_device.h"
#include "format/record.h"
#include "index/location.h"

namespace ferrite::engine::internal {

struct Moving {
  /// A record found in the window.
  struct Candidate {
    std::uint32_t offset;
    std::uint32_t bytes;
    std::uint32_t keyspace;
    RecordKind kind;
    std::uint64_t hash;
  };
  /// A record on its way.
  struct Move {
    Location from;
    std::uint32_t offset;
    std::uint32_t bytes;
    std::uint32_t keyspace;
    RecordKind kind;
    std::uint64_t hash;
    /// A put whose time has passed, moved as a removal.
    bool ended;
  };

  bool active = false;
  std::uint32_t victim = 0;
  /// Device offset of the next frame of the victim to look at.
  std::uint64_t position = 0;
  std::uint64_t end = 0;
  /// Number of the last group that carries something out of the victim.
  std::uint64_t last_group = 0;

  bool reading = false;
  IoRequest read;
  base::AlignedBuffer window;
  std::uint64_t window_at = 0;
  std::uint32_t window_bytes = 0;
  std::vector<Candidate> candidates;
  std::size_t next = 0;

  bool writing = false;
  IoRequest write;
  base::AlignedBuffer group;
  std::uint32_t used = 0;
  std::uint64_t address = 0;
  std::uint32_t crc = 0;
  std::vector<Move> moves;
  /// One of them shares its hash with another key.
  bool doubt = false;

  /// Bytes that may be moved before writes of clients go on.
  std::int64_t credit = 0;

  [[nodiscard]] bool has_candidates() const noexcept { return next < candidates.size(); }
};

}  // namespace ferrite::engine::internal
