#include "format/record.h"

#include <cstring>

#include "base/check.h"
#include "checksum/crc32c.h"
#include "format/group.h"

namespace ferrite::engine {
namespace {

using base::load_le;
using base::store_le;

constexpr std::size_t kCoveredFrom = 4;

std::uint32_t head_crc(const std::uint8_t* record, std::uint32_t key_bytes, std::uint64_t address,
                       std::uint64_t seed) noexcept {
  std::uint8_t place[16];
  store_le(place, address);
  store_le(place + 8, seed);
  return checksum::crc32c({record + kCoveredFrom, kRecordHeadBytes - kCoveredFrom + key_bytes},
                          checksum::crc32c({place, sizeof place}));
}

}  // namespace

void place_record(const RecordHead& head, base::Bytes key, base::Bytes value, std::uint8_t* to) noexcept {
  std::memset(to, 0, kRecordHeadBytes);
  store_le(to + 8, static_cast<std::uint16_t>(key.size()));
  to[10] = static_cast<std::uint8_t>(head.kind);
  to[11] = head.flags;
  store_le(to + 12, static_cast<std::uint32_t>(value.size()));
  store_le(to + 16, head.keyspace);
  store_le(to + 20, head.generation);
  store_le(to + 24, head.partition);
  store_le(to + 28, head.boot);
  store_le(to + 32, head.sequence);
  store_le(to + 40, head.expires_at_ms);
  if (!key.empty()) std::memcpy(to + kRecordHeadBytes, key.data(), key.size());
  if (!value.empty()) std::memcpy(to + kRecordHeadBytes + key.size(), value.data(), value.size());
  const std::size_t used = kRecordHeadBytes + key.size() + value.size();
  std::memset(to + used, 0, base::round_up<std::size_t>(used, kRecordAlignment) - used);
}

void stamp_moved_record(std::uint8_t* record, std::uint32_t boot) noexcept {
  record[11] = 0;
  store_le(record + 28, boot);
}

void stamp_drop_origin(std::uint8_t* record, std::uint64_t life) noexcept {
  if (load_le<std::uint64_t>(record + 40) == 0) store_le(record + 40, life);
}

void seal_record(std::uint8_t* record, std::uint64_t address, std::uint64_t seed) noexcept {
  const RecordHead head = trusted_record_head(record);
  store_le(record + 4, checksum::crc32c({record + kRecordHeadBytes + head.key_bytes, head.value_bytes}));
  store_le(record, head_crc(record, head.key_bytes, address, seed));
}

RecordHead trusted_record_head(const std::uint8_t* r) noexcept {
  RecordHead head;
  head.value_crc = load_le<std::uint32_t>(r + 4);
  head.key_bytes = load_le<std::uint16_t>(r + 8);
  head.kind = static_cast<RecordKind>(r[10]);
  head.flags = r[11];
  head.value_bytes = load_le<std::uint32_t>(r + 12);
  head.keyspace = load_le<std::uint32_t>(r + 16);
  head.generation = load_le<std::uint32_t>(r + 20);
  head.partition = load_le<std::uint32_t>(r + 24);
  head.boot = load_le<std::uint32_t>(r + 28);
  head.sequence = load_le<std::uint64_t>(r + 32);
  head.expires_at_ms = load_le<std::uint64_t>(r + 40);
  return head;
}

bool decode_record_head(base::Bytes bytes, std::uint64_t address, std::uint64_t seed, RecordHead& head,
                        base::Bytes& key) noexcept {
  if (bytes.size() < kRecordHeadBytes) return false;
  const RecordHead h = trusted_record_head(bytes.data());
  if (h.key_bytes > kKeyBytesMax || h.value_bytes > kValueBytesMax) return false;
  if (h.kind < RecordKind::kPut || h.kind > RecordKind::kDrop) return false;
  const bool drop = h.kind == RecordKind::kDrop;
  if (drop != (h.key_bytes == 0) || (drop && h.value_bytes > 0)) return false;
  if (bytes.size() < kRecordHeadBytes + h.key_bytes) return false;
  if (load_le<std::uint32_t>(bytes.data()) != head_crc(bytes.data(), h.key_bytes, address, seed)) return false;
  head = h;
  key = bytes.subspan(kRecordHeadBytes, h.key_bytes);
  return true;
}

bool decode_record_value(base::Bytes bytes, const RecordHead& head, base::Bytes& value) noexcept {
  const std::uint32_t total = record_bytes(head.key_bytes, head.value_bytes);
  if (bytes.size() < total) return false;
  const base::Bytes found = bytes.subspan(kRecordHeadBytes + head.key_bytes, head.value_bytes);
  const std::uint32_t used = kRecordHeadBytes + head.key_bytes + head.value_bytes;
  if (!all_zero(bytes.subspan(used, total - used))) return false;
  if (checksum::crc32c(found) != head.value_crc) return false;
  value = found;
  return true;
}

}  // namespace ferrite::engine
