// Places of the log that look damaged, and the search for what is alive in them: the index is walked slice by slice, and
// every record found there is read by itself before it is called damaged. Threads: the reactor. Owned by the core;
// core_damage.cc is its only user.
#pragma once

#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "engine/block_device.h"
#include "engine/integrity.h"
#include "index/index.h"

namespace ferrite::engine::internal {

struct Suspects {
  struct Span {
    std::uint64_t begin;
    std::uint64_t end;
    DamageSource source;
  };
  struct Entry {
    std::uint32_t keyspace;
    IndexEntry entry;
    DamageSource source;
  };

  /// Not searched for yet.
  std::vector<Span> fresh;
  /// Being searched for, by place.
  std::vector<Span> spans;
  /// Where the walk through the index has come to.
  std::uint32_t keyspace = 0;
  std::uint64_t hash = 0;
  std::vector<IndexEntry> slice;

  /// Alive in one of the spans, and to be read.
  std::vector<Entry> entries;
  bool reading = false;
  IoRequest io;
  base::AlignedBuffer buffer;

  [[nodiscard]] bool none() const noexcept {
    return fresh.empty() && spans.empty() && entries.empty() && !reading;
  }
};

}  // namespace ferrite::engine::internal
