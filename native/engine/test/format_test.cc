#include <cstring>
#include <vector>

#include "checksum/crc32c.h"
#include "format/checkpoint.h"
#include "format/group.h"
#include "format/record.h"
#include "format/superblock.h"
#include "index/location.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;

namespace {

constexpr std::uint64_t kSalt = 0x1122334455667788ULL;

Superblock sample_superblock() {
  Superblock s;
  for (std::size_t i = 0; i < 16; ++i) s.image_id[i] = static_cast<std::uint8_t>(0xa0 + i);
  s.device_bytes = 4ULL << 30U;
  s.segment_bytes = 32U << 20U;
  s.segment_count = 127;
  s.partition_bits = 10;
  s.clean = true;
  s.generation = 9;
  s.boot_count = 4;
  s.end_group = 77;
  s.end_address = 0x12345000;
  s.end_crc = 0xdeadbeef;
  s.end_sequence = 4711;
  return s;
}

Frame sample_frame() {
  Frame f;
  f.kind = FrameKind::kGroup;
  f.length = 8192;
  f.group = 12;
  f.address = 131072 + 4096;
  f.life = 3;
  f.previous = {11, 131072, 0x01020304};
  f.record_count = 2;
  f.first_sequence = 100;
  f.used_bytes = 96 + 160;
  f.boot = 6;
  return f;
}

std::uint64_t golden(base::Bytes bytes) {
  return std::uint64_t{checksum::crc32c(bytes)} << 32U | checksum::crc32c(bytes, 0x5eed);
}

}  // namespace

TEST("a superblock round-trips and its bytes are those of FORMAT.md") {
  std::vector<std::uint8_t> block(kBlockBytes);
  encode_superblock(sample_superblock(), 1, block);
  Superblock back;
  EXPECT(decode_superblock(block, 1, back) == SuperblockState::kValid && back == sample_superblock());
  EXPECT(std::memcmp(block.data(), "FERRITE", 8) == 0);
  EXPECT(block[12] == 3 && block[13] == 0 && block[14] == 1 && block[16] == 0xa0 && block[31] == 0xaf);
  EXPECT(block[39] == 0 && block[36] == 1 && block[48] == 10 && block[49] == 1 && block[56] == 9 && block[64] == 4);
  EXPECT(block[72] == 77 && block[88] == (4711 & 0xff));
}

TEST("a superblock is refused in the wrong place, damaged, foreign or newer, each by name") {
  std::vector<std::uint8_t> block(kBlockBytes);
  Superblock back;
  encode_superblock(sample_superblock(), 0, block);
  EXPECT(decode_superblock(block, 1, back) == SuperblockState::kDamaged);
  for (std::size_t i = 8; i < kBlockBytes; ++i) {
    block[i] ^= 0x10U;
    EXPECT(decode_superblock(block, 0, back) == SuperblockState::kDamaged);
    block[i] ^= 0x10U;
  }
  block[12] = 4;
  base::store_le(block.data() + 8, checksum::crc32c(base::Bytes(block).subspan(12)));
  EXPECT(decode_superblock(block, 0, back) == SuperblockState::kNewer);
  block[0] = 'X';
  EXPECT(decode_superblock(block, 0, back) == SuperblockState::kForeign);
}

TEST("a frame round-trips and is refused elsewhere, under another salt or with any bit flipped") {
  std::vector<std::uint8_t> block(kBlockBytes);
  const std::uint32_t crc = encode_frame(sample_frame(), kSalt, block);
  Frame back;
  std::uint32_t found = 0;
  EXPECT(decode_frame(block, sample_frame().address, kSalt, back, found) && back == sample_frame() && found == crc);
  EXPECT(!decode_frame(block, sample_frame().address + 4096, kSalt, back, found));
  EXPECT(!decode_frame(block, sample_frame().address, kSalt + 1, back, found));
  for (std::size_t bit = 0; bit < kGroupHeaderBytes * 8; ++bit) {
    block[bit / 8] = static_cast<std::uint8_t>(block[bit / 8] ^ (1U << (bit % 8)));
    EXPECT(!decode_frame(block, sample_frame().address, kSalt, back, found));
    block[bit / 8] = static_cast<std::uint8_t>(block[bit / 8] ^ (1U << (bit % 8)));
  }
}

TEST("a record round-trips and every flipped bit of it is noticed") {
  const std::vector<std::uint8_t> key{'k', 'e', 'y'};
  const std::vector<std::uint8_t> value(29, 'v');
  RecordHead head;
  head.kind = RecordKind::kPut;
  head.keyspace = 7;
  head.generation = 2;
  head.partition = 3;
  head.boot = 5;
  head.sequence = 1234567;
  head.expires_at_ms = 1700000000000;
  std::vector<std::uint8_t> record(record_bytes(3, 29), 0xff);
  place_record(head, key, value, record.data());
  seal_record(record.data(), 0x21000, kSalt);
  const auto intact = [&](std::uint64_t address, std::uint64_t salt) {
    RecordHead h;
    base::Bytes k;
    base::Bytes v;
    return decode_record_head(record, address, salt, h, k) && decode_record_value(record, h, v) &&
           h.sequence == head.sequence && k.size() == 3 && v.size() == 29 && h.keyspace == 7;
  };
  EXPECT(record.size() == 80 && intact(0x21000, kSalt));
  EXPECT(!intact(0x21010, kSalt) && !intact(0x21000, kSalt ^ 1U));
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    record[bit / 8] = static_cast<std::uint8_t>(record[bit / 8] ^ (1U << (bit % 8)));
    EXPECT(!intact(0x21000, kSalt));
    record[bit / 8] = static_cast<std::uint8_t>(record[bit / 8] ^ (1U << (bit % 8)));
  }
}

TEST("a drop has neither key nor value, and nothing else goes without a key") {
  std::vector<std::uint8_t> record(64);
  RecordHead head;
  head.keyspace = 7;
  head.partition = 3;
  head.sequence = 9;
  const std::vector<std::uint8_t> key{'a'};
  RecordHead back;
  base::Bytes found;
  for (const RecordKind kind : {RecordKind::kPut, RecordKind::kRemove, RecordKind::kDrop}) {
    head.kind = kind;
    for (const bool with_key : {false, true}) {
      place_record(head, with_key ? base::Bytes(key) : base::Bytes(), {}, record.data());
      seal_record(record.data(), 0x20000, kSalt);
      const bool good = with_key != (kind == RecordKind::kDrop);
      EXPECT(decode_record_head(record, 0x20000, kSalt, back, found) == good);
    }
  }
  place_record(head, {}, {}, record.data());
  stamp_drop_origin(record.data(), 5);
  stamp_drop_origin(record.data(), 6);
  EXPECT(trusted_record_head(record.data()).expires_at_ms == 5 && trusted_record_head(record.data()).partition == 3);
}

TEST("the golden bytes of format version 3 have not changed") {
  // Superblock, a group with a put and a removal, a seal and a free mark; all but the superblock are those of version 2.
  std::vector<std::uint8_t> image(4 * kBlockBytes);
  const base::MutableBytes all(image);
  encode_superblock(sample_superblock(), 0, all.first(kBlockBytes));
  RecordHead head;
  head.keyspace = 1;
  head.sequence = 100;
  const std::vector<std::uint8_t> key{'a'};
  const std::vector<std::uint8_t> value{'1', '2', '3'};
  std::uint8_t* group = image.data() + kBlockBytes;
  place_record(head, key, value, group + 96);
  head.kind = RecordKind::kRemove;
  head.sequence = 101;
  place_record(head, key, {}, group + 160);
  seal_record(group + 96, sample_frame().address + 96, kSalt);
  seal_record(group + 160, sample_frame().address + 160, kSalt);
  const std::uint32_t crc = encode_frame(sample_frame(), kSalt, {group, kGroupHeaderBytes});
  Frame seal;
  seal.kind = FrameKind::kSeal;
  seal.group = 12;
  seal.address = 131072 + 3 * 4096;
  seal.life = 3;
  seal.previous = {12, sample_frame().address, crc};
  seal.first_sequence = 102;
  encode_frame(seal, kSalt, all.subspan(2 * kBlockBytes, kGroupHeaderBytes));
  Frame mark;
  mark.kind = FrameKind::kFreeMark;
  mark.address = 131072;
  mark.life = 3;
  encode_frame(mark, kSalt, all.subspan(3 * kBlockBytes, kGroupHeaderBytes));
  const std::uint64_t sums[4] = {golden(all.subspan(0, kBlockBytes)), golden(all.subspan(kBlockBytes, kBlockBytes)),
                                 golden(all.subspan(2 * kBlockBytes, kBlockBytes)),
                                 golden(all.subspan(3 * kBlockBytes, kBlockBytes))};
  EXPECT(sums[0] == 0x9792d88680d4a11bULL);
  EXPECT(sums[1] == 0x2c6fb54e3b29ccd3ULL);
  EXPECT(sums[2] == 0x126fc72a0529beb7ULL);
  EXPECT(sums[3] == 0xd0fba312c7bdda8fULL);
}

TEST("pages of a checkpoint round-trip and are refused elsewhere, under another salt or with any byte flipped") {
  std::vector<std::uint8_t> page(kPageBytes);
  Frame frame;
  const PageId id{7, 3, 0x40000, 12};
  std::vector<IndexEntry> entries;
  for (std::uint64_t i = 0; i < kPageEntries; ++i) entries.push_back({i * 0x123456789ULL, Location(4096 * (i + 1), 64, i % 3 == 0)});
  encode_index_page(id, kSalt, 5, entries, page);
  EXPECT(decode_page(page, id.address, kSalt, frame) && frame.first_sequence == 5 && frame.previous.group == 3);
  std::vector<IndexEntry> found;
  EXPECT(decode_index_entries(page, frame, found) && found.size() == entries.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT(found[i].hash == entries[i].hash && found[i].location == entries[i].location);
  }
  EXPECT(!decode_page(page, id.address + kBlockBytes, kSalt, frame) && !decode_page(page, id.address, kSalt + 1, frame));
  for (std::size_t at = 0; at < page.size(); at += at < 400 ? 1 : 7) {
    page[at] ^= 0x20U;
    EXPECT(!decode_page(page, id.address, kSalt, frame));
    page[at] ^= 0x20U;
  }
  const std::vector<TableEntry> table{{1, 2, 3}, {4, 5, 6}};
  encode_table_page(id, kSalt, table, page);
  std::vector<TableEntry> found_table;
  EXPECT(decode_page(page, id.address, kSalt, frame) && decode_table_entries(page, frame, found_table));
  EXPECT(found_table == table && !decode_index_entries(page, frame, found));
  const CheckpointRoot root{{9, 8, 7}, 0x50000, 6, 5, 4, 3, 2, {1, 10, 100}};
  encode_root_page(id, kSalt, root, page);
  CheckpointRoot found_root;
  EXPECT(decode_page(page, id.address, kSalt, frame) && decode_root(page, frame, found_root) && found_root == root);
}

TEST("a location keeps address, length and damage in one word") {
  testing::Seeded random(3);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t address = random.below(1ULL << 42U) * 16;
    const auto bytes = static_cast<std::uint32_t>(16 * (1 + random.below(record_bytes(1024, kValueBytesMax) / 16)));
    const Location location(address, bytes, i % 2 == 0);
    EXPECT(location.address() == address && location.bytes() == bytes && location.damaged() == (i % 2 == 0));
  }
}
