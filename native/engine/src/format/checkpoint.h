// The index checkpoint: pages in segments of their own (FORMAT.md section 7). Threads: pure functions and plain values.
//
// Pages are frames of kPageBytes. Page 0 is the root and is written last; then come the index entries in order, then the
// segment table as it was when the checkpoint began. Page i lies in the i / pages_per_segment-th of its segments.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "format/group.h"
#include "index/index.h"

namespace ferrite::engine {

inline constexpr std::uint32_t kPageBytes = 16U << 10U;
inline constexpr std::uint32_t kPageContentBytes = kPageBytes - kGroupHeaderBytes;
inline constexpr std::uint32_t kPageEntries = kPageContentBytes / sizeof(IndexEntry);

/// What the checkpoint keeps of a segment that was part of the log when it began.
struct TableEntry {
  std::uint64_t life = 0;
  std::uint32_t removals = 0;
  std::uint32_t removal_charge = 0;

  friend bool operator==(const TableEntry&, const TableEntry&) = default;
};
inline constexpr std::uint32_t kTableEntryBytes = 16;
inline constexpr std::uint32_t kPageTableEntries = kPageContentBytes / kTableEntryBytes;

/// The log is replayed from here on over what the pages hold.
struct CheckpointRoot {
  GroupId last;
  std::uint64_t position = 0;
  std::uint64_t next_sequence = 1;
  std::uint64_t entries = 0;
  std::uint32_t segment = 0;
  std::uint32_t index_pages = 0;
  std::uint32_t table_pages = 0;
  /// The checkpoint's own segments, in order.
  std::vector<std::uint32_t> segments;

  friend bool operator==(const CheckpointRoot&, const CheckpointRoot&) = default;
};
inline constexpr std::uint32_t kRootFixedBytes = 64;
inline constexpr std::uint32_t kRootSegmentsMax = (kPageContentBytes - kRootFixedBytes) / 4;

/// Which page of which checkpoint, and where.
struct PageId {
  std::uint64_t checkpoint = 0;
  std::uint32_t page = 0;
  std::uint64_t address = 0;
  std::uint64_t life = 0;
};

/// Each fills one page of kPageBytes.
void encode_index_page(const PageId& id, std::uint64_t salt, std::uint32_t keyspace,
                       std::span<const IndexEntry> entries, base::MutableBytes page) noexcept;
void encode_table_page(const PageId& id, std::uint64_t salt, std::span<const TableEntry> entries,
                       base::MutableBytes page) noexcept;
void encode_root_page(const PageId& id, std::uint64_t salt, const CheckpointRoot& root,
                      base::MutableBytes page) noexcept;

/// True when header and content are whole and of this image, place and kind. Life and number are the caller's to judge.
[[nodiscard]] bool decode_page(base::Bytes page, std::uint64_t address, std::uint64_t salt, Frame& frame) noexcept;
/// The content of a page that decode_page has accepted; false when it makes no sense.
[[nodiscard]] bool decode_index_entries(base::Bytes page, const Frame& frame, std::vector<IndexEntry>& entries);
[[nodiscard]] bool decode_table_entries(base::Bytes page, const Frame& frame, std::vector<TableEntry>& entries);
[[nodiscard]] bool decode_root(base::Bytes page, const Frame& frame, CheckpointRoot& root);

}  // namespace ferrite::engine
