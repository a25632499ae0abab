// Records as they lie in a group (FORMAT.md section 5). Threads: pure functions and plain values.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/endian.h"
#include "engine/limits.h"

namespace ferrite::engine {

inline constexpr std::uint32_t kRecordHeadBytes = 48;
/// Records start at multiples of this.
inline constexpr std::uint32_t kRecordAlignment = 16;

enum class RecordKind : std::uint8_t {
  kPut = 1,
  kRemove = 2,
  /// Hides everything before it in its keyspace and partition; has neither key nor value. Since version 3.
  kDrop = 3,
};

/// Flags of records that were accepted as one batch, side by side in one group: all but the last, and all but the first.
/// Since version 3; gone once a record was moved.
inline constexpr std::uint8_t kBatchGoesOn = 1;
inline constexpr std::uint8_t kBatchBegun = 2;

struct RecordHead {
  RecordKind kind = RecordKind::kPut;
  /// kBatchGoesOn, kBatchBegun.
  std::uint8_t flags = 0;
  std::uint16_t key_bytes = 0;
  std::uint32_t value_bytes = 0;
  std::uint32_t keyspace = 0;
  std::uint32_t generation = 0;
  std::uint32_t partition = 0;
  /// Low half of the boot that wrote it.
  std::uint32_t boot = 0;
  std::uint64_t sequence = 0;
  /// Milliseconds since the epoch, 0 never. Of a drop that was moved: the life of the segment it was first written in.
  std::uint64_t expires_at_ms = 0;
  std::uint32_t value_crc = 0;

  friend bool operator==(const RecordHead&, const RecordHead&) = default;
};

/// Bytes a record takes in the log.
[[nodiscard]] constexpr std::uint32_t record_bytes(std::uint32_t key_bytes, std::uint32_t value_bytes) noexcept {
  return base::round_up(kRecordHeadBytes + key_bytes + value_bytes, kRecordAlignment);
}

/// What a record's checksum covers besides its place: the image's salt, and since version 2 the life of its segment, so
/// that remains of an earlier life never pass for records of this one.
[[nodiscard]] constexpr std::uint64_t record_seed(std::uint64_t salt, std::uint8_t version, std::uint64_t life) noexcept {
  return version == 1 ? salt : salt ^ (life * 0x9e3779b97f4a7c15ULL);
}

/// Lays out head, key and value for a place not known yet, with zeros up to the alignment: everything but the
/// checksums. `to` holds record_bytes(...) bytes.
void place_record(const RecordHead& head, base::Bytes key, base::Bytes value, std::uint8_t* to) noexcept;

/// Makes a record one that is moved by `boot`, on its own; its checksums are still to be filled in.
void stamp_moved_record(std::uint8_t* record, std::uint32_t boot) noexcept;

/// Notes where a drop that is being moved was first written, unless an earlier move did; checksums as above.
void stamp_drop_origin(std::uint8_t* record, std::uint64_t life) noexcept;

/// Fills in the value's checksum and then the head's, which also covers the record's device offset, key and `seed`
/// (record_seed).
void seal_record(std::uint8_t* record, std::uint64_t address, std::uint64_t seed) noexcept;

/// Reads head and key of the record that starts `bytes` at device offset `address`. False unless head and key are
/// whole, of this image, place and life. `key` borrows from `bytes`.
[[nodiscard]] bool decode_record_head(base::Bytes bytes, std::uint64_t address, std::uint64_t seed, RecordHead& head,
                                      base::Bytes& key) noexcept;

/// The value of a record whose head is whole. False unless it is whole too, padding included; `bytes` as above.
[[nodiscard]] bool decode_record_value(base::Bytes bytes, const RecordHead& head, base::Bytes& value) noexcept;

/// Reads a head that has been verified before.
[[nodiscard]] RecordHead trusted_record_head(const std::uint8_t* record) noexcept;

}  // namespace ferrite::engine
