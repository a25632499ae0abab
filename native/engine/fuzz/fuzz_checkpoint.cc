// Any bytes as a page of an index checkpoint: the decoders answer, and what they accept encodes to an equal page.
#include <cstring>
#include <vector>

#include "base/check.h"
#include "checksum/crc32c.h"
#include "format/checkpoint.h"

using namespace ferrite;
using namespace ferrite::engine;

namespace {

constexpr std::uint64_t kSalt = 0x5a17;

// Gives the bytes a header that lets them pass for a page, so that the content's decoders are reached.
void mend(std::vector<std::uint8_t>& page) {
  Frame frame;
  frame.kind = static_cast<FrameKind>(5 + page[9] % 3);
  frame.length = kPageBytes;
  frame.used_bytes = kPageBytes;
  std::memcpy(&frame.record_count, page.data() + 60, sizeof frame.record_count);
  std::memcpy(&frame.first_sequence, page.data() + 64, sizeof frame.first_sequence);
  frame.content_crc = checksum::crc32c(base::Bytes(page).subspan(kGroupHeaderBytes));
  encode_frame(frame, kSalt, page);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> page(kPageBytes);
  if (size > 0) std::memcpy(page.data(), data, size < page.size() ? size : page.size());
  if (size > 0 && (data[size - 1] & 1U) != 0) mend(page);
  Frame frame;
  if (!decode_page(page, 0, kSalt, frame)) return 0;
  const PageId id{frame.group, static_cast<std::uint32_t>(frame.previous.group), frame.address, frame.life};
  std::vector<std::uint8_t> again(kPageBytes);
  std::vector<IndexEntry> entries;
  std::vector<TableEntry> table;
  CheckpointRoot root;
  Frame second;
  if (decode_index_entries(page, frame, entries)) {
    encode_index_page(id, kSalt, static_cast<std::uint32_t>(frame.first_sequence), entries, again);
    std::vector<IndexEntry> found;
    FERRITE_CHECK(decode_page(again, 0, kSalt, second) && decode_index_entries(again, second, found));
    FERRITE_CHECK(found.size() == entries.size());
  } else if (decode_table_entries(page, frame, table)) {
    encode_table_page(id, kSalt, table, again);
    std::vector<TableEntry> found;
    FERRITE_CHECK(decode_page(again, 0, kSalt, second) && decode_table_entries(again, second, found) && found == table);
  } else if (decode_root(page, frame, root)) {
    encode_root_page(id, kSalt, root, again);
    CheckpointRoot found;
    FERRITE_CHECK(decode_page(again, 0, kSalt, second) && decode_root(again, second, found) && found == root);
  }
  return 0;
}
