// The state of an index checkpoint being written, and which segments the last whole one lies in.
// Threads: the reactor. Owned by the core; core_checkpoint.cc is its only user.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "engine/block_device.h"
#include "format/checkpoint.h"

namespace ferrite::engine::internal {

struct Checkpointing {
  enum class Step : std::uint8_t { kIdle, kEntries, kTable, kFlush, kRoot };

  Step step = Step::kIdle;
  bool writing = false;
  /// No room was found since the last one: not tried again before this many more records.
  bool refused = false;
  std::uint64_t number = 0;
  CheckpointRoot root;
  std::vector<TableEntry> table;
  std::size_t table_next = 0;
  std::uint32_t next_page = 1;
  /// Where the walk through the index has come to.
  std::uint32_t keyspace = 0;
  std::uint64_t hash = 0;
  base::AlignedBuffer buffer;
  IoRequest io;
  std::chrono::steady_clock::time_point last_write{};

  /// Segments of the last whole checkpoint.
  std::vector<std::uint32_t> current;
  std::uint64_t current_pages = 0;
  /// In the log since the last whole checkpoint began, and since this one did.
  std::uint64_t records_since = 0;
  std::uint64_t bytes_since = 0;
  std::uint64_t records_before = 0;
  std::uint64_t bytes_before = 0;
  std::chrono::steady_clock::time_point finished{};

  [[nodiscard]] bool active() const noexcept { return step != Step::kIdle; }
};

}  // namespace ferrite::engine::internal
