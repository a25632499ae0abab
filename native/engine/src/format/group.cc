#include "format/group.h"

#include <cstring>

#include "base/check.h"
#include "base/endian.h"
#include "checksum/crc32c.h"

namespace ferrite::engine {
namespace {

using base::load_le;
using base::store_le;

constexpr std::uint32_t kMagic = 0x50524746U;  // "FGRP"
constexpr std::size_t kCoveredFrom = 8;

}  // namespace

std::uint32_t encode_frame(const Frame& f, std::uint64_t salt, base::MutableBytes block) noexcept {
  FERRITE_CHECK(block.size() >= kGroupHeaderBytes);
  std::uint8_t* b = block.data();
  std::memset(b, 0, kGroupHeaderBytes);
  store_le(b, kMagic);
  b[8] = f.version;
  b[9] = static_cast<std::uint8_t>(f.kind);
  store_le(b + 12, f.length);
  store_le(b + 16, f.group);
  store_le(b + 24, f.address);
  store_le(b + 32, f.life);
  store_le(b + 40, f.previous.group);
  store_le(b + 48, f.previous.address);
  store_le(b + 56, f.previous.crc);
  store_le(b + 60, f.record_count);
  store_le(b + 64, f.first_sequence);
  store_le(b + 72, f.used_bytes);
  store_le(b + 76, f.boot);
  store_le(b + 80, salt);
  store_le(b + 88, f.doubt);
  store_le(b + 92, f.content_crc);
  const std::uint32_t crc = checksum::crc32c(block.subspan(kCoveredFrom, kGroupHeaderBytes - kCoveredFrom));
  store_le(b + 4, crc);
  return crc;
}

bool decode_frame(base::Bytes block, std::uint64_t address, std::uint64_t salt, Frame& frame,
                  std::uint32_t& crc) noexcept {
  FERRITE_CHECK(block.size() >= kGroupHeaderBytes);
  const std::uint8_t* b = block.data();
  if (load_le<std::uint32_t>(b) != kMagic) return false;
  crc = load_le<std::uint32_t>(b + 4);
  if (crc != checksum::crc32c(block.subspan(kCoveredFrom, kGroupHeaderBytes - kCoveredFrom))) return false;
  const std::uint8_t newest_kind = b[8] == 1 ? 3 : 7;
  if (b[8] < 1 || b[8] > kFrameVersion || b[9] < 1 || b[9] > newest_kind) return false;
  if (load_le<std::uint64_t>(b + 24) != address || load_le<std::uint64_t>(b + 80) != salt) return false;
  Frame f;
  f.kind = static_cast<FrameKind>(b[9]);
  f.version = b[8];
  f.length = load_le<std::uint32_t>(b + 12);
  f.group = load_le<std::uint64_t>(b + 16);
  f.address = address;
  f.life = load_le<std::uint64_t>(b + 32);
  f.previous = {load_le<std::uint64_t>(b + 40), load_le<std::uint64_t>(b + 48), load_le<std::uint32_t>(b + 56)};
  f.record_count = load_le<std::uint32_t>(b + 60);
  f.first_sequence = load_le<std::uint64_t>(b + 64);
  f.used_bytes = load_le<std::uint32_t>(b + 72);
  f.boot = load_le<std::uint32_t>(b + 76);
  f.doubt = load_le<std::uint32_t>(b + 88);
  f.content_crc = load_le<std::uint32_t>(b + 92);
  if (f.length == 0 || f.length % kBlockBytes != 0 || f.length > kSegmentBytesMax) return false;
  if (f.used_bytes < kGroupHeaderBytes || f.used_bytes > f.length || f.used_bytes % 16 != 0) return false;
  frame = f;
  return true;
}

bool all_zero(base::Bytes bytes) noexcept {
  return bytes.empty() || (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace ferrite::engine
