#include "format/checkpoint.h"

#include <cstring>

#include "base/check.h"
#include "base/endian.h"
#include "checksum/crc32c.h"

namespace ferrite::engine {
namespace {

using base::load_le;
using base::store_le;

void finish_page(FrameKind kind, const PageId& id, std::uint64_t salt, std::uint32_t keyspace, std::uint32_t count,
                 std::uint32_t content_bytes, base::MutableBytes page) noexcept {
  FERRITE_CHECK(page.size() == kPageBytes && content_bytes <= kPageContentBytes);
  std::memset(page.data() + kGroupHeaderBytes + content_bytes, 0, kPageContentBytes - content_bytes);
  Frame frame;
  frame.kind = kind;
  frame.length = kPageBytes;
  frame.group = id.checkpoint;
  frame.address = id.address;
  frame.life = id.life;
  frame.previous.group = id.page;
  frame.record_count = count;
  frame.first_sequence = keyspace;
  frame.used_bytes = base::round_up(kGroupHeaderBytes + content_bytes, 16U);
  frame.content_crc = checksum::crc32c(base::Bytes(page).subspan(kGroupHeaderBytes));
  encode_frame(frame, salt, page);
}

}  // namespace

void encode_index_page(const PageId& id, std::uint64_t salt, std::uint32_t keyspace,
                       std::span<const IndexEntry> entries, base::MutableBytes page) noexcept {
  std::uint8_t* to = page.data() + kGroupHeaderBytes;
  for (const IndexEntry& entry : entries) {
    store_le(to, entry.hash);
    store_le(to + 8, entry.location.word());
    to += sizeof(IndexEntry);
  }
  finish_page(FrameKind::kIndexPage, id, salt, keyspace, static_cast<std::uint32_t>(entries.size()),
              static_cast<std::uint32_t>(entries.size() * sizeof(IndexEntry)), page);
}

void encode_table_page(const PageId& id, std::uint64_t salt, std::span<const TableEntry> entries,
                       base::MutableBytes page) noexcept {
  std::uint8_t* to = page.data() + kGroupHeaderBytes;
  for (const TableEntry& entry : entries) {
    store_le(to, entry.life);
    store_le(to + 8, entry.removals);
    store_le(to + 12, entry.removal_charge);
    to += kTableEntryBytes;
  }
  finish_page(FrameKind::kTablePage, id, salt, 0, static_cast<std::uint32_t>(entries.size()),
              static_cast<std::uint32_t>(entries.size() * kTableEntryBytes), page);
}

void encode_root_page(const PageId& id, std::uint64_t salt, const CheckpointRoot& root,
                      base::MutableBytes page) noexcept {
  FERRITE_CHECK(root.segments.size() <= kRootSegmentsMax);
  std::uint8_t* c = page.data() + kGroupHeaderBytes;
  std::memset(c, 0, kRootFixedBytes);
  store_le(c, root.last.group);
  store_le(c + 8, root.last.address);
  store_le(c + 16, root.last.crc);
  store_le(c + 20, root.segment);
  store_le(c + 24, root.position);
  store_le(c + 32, root.next_sequence);
  store_le(c + 40, root.entries);
  store_le(c + 48, root.index_pages);
  store_le(c + 52, root.table_pages);
  for (std::size_t i = 0; i < root.segments.size(); ++i) store_le(c + kRootFixedBytes + 4 * i, root.segments[i]);
  finish_page(FrameKind::kRootPage, id, salt, 0, static_cast<std::uint32_t>(root.segments.size()),
              static_cast<std::uint32_t>(kRootFixedBytes + 4 * root.segments.size()), page);
}

bool decode_page(base::Bytes page, std::uint64_t address, std::uint64_t salt, Frame& frame) noexcept {
  FERRITE_CHECK(page.size() == kPageBytes);
  Frame found;
  std::uint32_t crc = 0;
  if (!decode_frame(page, address, salt, found, crc) || !is_page(found.kind) || found.length != kPageBytes) return false;
  if (checksum::crc32c(page.subspan(kGroupHeaderBytes)) != found.content_crc) return false;
  frame = found;
  return true;
}

bool decode_index_entries(base::Bytes page, const Frame& frame, std::vector<IndexEntry>& entries) {
  if (frame.kind != FrameKind::kIndexPage || frame.record_count == 0 || frame.record_count > kPageEntries ||
      frame.first_sequence > ~std::uint32_t{0}) {
    return false;
  }
  entries.resize(frame.record_count);
  const std::uint8_t* from = page.data() + kGroupHeaderBytes;
  for (IndexEntry& entry : entries) {
    entry = {load_le<std::uint64_t>(from), Location::from_word(load_le<std::uint64_t>(from + 8))};
    from += sizeof(IndexEntry);
  }
  return true;
}

bool decode_table_entries(base::Bytes page, const Frame& frame, std::vector<TableEntry>& entries) {
  if (frame.kind != FrameKind::kTablePage || frame.record_count == 0 || frame.record_count > kPageTableEntries) {
    return false;
  }
  entries.resize(frame.record_count);
  const std::uint8_t* from = page.data() + kGroupHeaderBytes;
  for (TableEntry& entry : entries) {
    entry = {load_le<std::uint64_t>(from), load_le<std::uint32_t>(from + 8), load_le<std::uint32_t>(from + 12)};
    from += kTableEntryBytes;
  }
  return true;
}

bool decode_root(base::Bytes page, const Frame& frame, CheckpointRoot& root) {
  if (frame.kind != FrameKind::kRootPage || frame.record_count == 0 || frame.record_count > kRootSegmentsMax) {
    return false;
  }
  const std::uint8_t* c = page.data() + kGroupHeaderBytes;
  CheckpointRoot r;
  r.last = {load_le<std::uint64_t>(c), load_le<std::uint64_t>(c + 8), load_le<std::uint32_t>(c + 16)};
  r.segment = load_le<std::uint32_t>(c + 20);
  r.position = load_le<std::uint64_t>(c + 24);
  r.next_sequence = load_le<std::uint64_t>(c + 32);
  r.entries = load_le<std::uint64_t>(c + 40);
  r.index_pages = load_le<std::uint32_t>(c + 48);
  r.table_pages = load_le<std::uint32_t>(c + 52);
  for (std::uint32_t i = 0; i < frame.record_count; ++i) {
    r.segments.push_back(load_le<std::uint32_t>(c + kRootFixedBytes + std::size_t{4} * i));
  }
  root = std::move(r);
  return true;
}

}  // namespace ferrite::engine
