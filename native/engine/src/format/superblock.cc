#include "format/superblock.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/endian.h"
#include "checksum/crc32c.h"

namespace ferrite::engine {
namespace {

using base::load_le;
using base::store_le;

constexpr std::uint8_t kMagic[8] = {'F', 'E', 'R', 'R', 'I', 'T', 'E', 0};
constexpr std::size_t kCrcAt = 8;
constexpr std::size_t kCoveredFrom = 12;

bool sensible(const Superblock& s) noexcept {
  return s.segment_bytes >= kSegmentBytesMin && s.segment_bytes <= kSegmentBytesMax &&
         s.segment_bytes % kBlockBytes == 0 && s.segment_count >= kSegmentsMin &&
         s.partition_bits <= kPartitionBitsMax && s.device_bytes >= kDataOffset &&
         (s.device_bytes - kDataOffset) / s.segment_bytes >= s.segment_count;
}

}  // namespace

void encode_superblock(const Superblock& s, std::uint32_t copy, base::MutableBytes block) noexcept {
  FERRITE_CHECK(block.size() == kBlockBytes);
  std::uint8_t* b = block.data();
  std::memset(b, 0, kBlockBytes);
  std::memcpy(b, kMagic, sizeof kMagic);
  store_le<std::uint16_t>(b + 12, kFormatVersion);
  store_le<std::uint16_t>(b + 14, static_cast<std::uint16_t>(copy));
  std::memcpy(b + 16, s.image_id.data(), s.image_id.size());
  store_le(b + 32, s.device_bytes);
  store_le(b + 40, s.segment_bytes);
  store_le(b + 44, s.segment_count);
  b[48] = s.partition_bits;
  b[49] = s.clean ? 1 : 0;
  store_le(b + 52, s.end_crc);
  store_le(b + 56, s.generation);
  store_le(b + 64, s.boot_count);
  store_le(b + 72, s.end_group);
  store_le(b + 80, s.end_address);
  store_le(b + 88, s.end_sequence);
  store_le(b + kCrcAt, checksum::crc32c(block.subspan(kCoveredFrom)));
}

std::uint64_t image_salt(const Superblock& superblock) noexcept {
  return load_le<std::uint64_t>(superblock.image_id.data());
}

SuperblockState decode_superblock(base::Bytes block, std::uint32_t copy, Superblock& superblock) noexcept {
  FERRITE_CHECK(block.size() == kBlockBytes);
  const std::uint8_t* b = block.data();
  const bool marked = std::memcmp(b, kMagic, sizeof kMagic) == 0;
  // The checksum's place and reach are the same in every version, so that a newer image is recognised as one.
  const bool intact = load_le<std::uint32_t>(b + kCrcAt) == checksum::crc32c(block.subspan(kCoveredFrom));
  if (!marked) return SuperblockState::kForeign;
  if (!intact) return SuperblockState::kDamaged;
  const auto version = load_le<std::uint16_t>(b + 12);
  if (version > kFormatVersion) return SuperblockState::kNewer;
  Superblock s;
  s.version = version;
  std::memcpy(s.image_id.data(), b + 16, s.image_id.size());
  s.device_bytes = load_le<std::uint64_t>(b + 32);
  s.segment_bytes = load_le<std::uint32_t>(b + 40);
  s.segment_count = load_le<std::uint32_t>(b + 44);
  s.partition_bits = b[48];
  s.clean = b[49] == 1;
  s.end_crc = load_le<std::uint32_t>(b + 52);
  s.generation = load_le<std::uint64_t>(b + 56);
  s.boot_count = load_le<std::uint64_t>(b + 64);
  s.end_group = load_le<std::uint64_t>(b + 72);
  s.end_address = load_le<std::uint64_t>(b + 80);
  s.end_sequence = load_le<std::uint64_t>(b + 88);
  if (version == 0 || load_le<std::uint16_t>(b + 14) != copy || !sensible(s)) return SuperblockState::kDamaged;
  superblock = s;
  return SuperblockState::kValid;
}

}  // namespace ferrite::engine
