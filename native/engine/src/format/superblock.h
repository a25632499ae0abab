// The image's identity and state, kept twice (FORMAT.md section 2). Threads: pure functions and plain values.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "engine/limits.h"

namespace ferrite::engine {

inline constexpr std::uint16_t kFormatVersion = 3;
inline constexpr std::uint32_t kSuperblockCopies = 2;
/// Device offset of copy i: i * kSuperblockStride.
inline constexpr std::uint64_t kSuperblockStride = 64U << 10U;
/// Device offset of segment 0.
inline constexpr std::uint64_t kDataOffset = kSuperblockCopies * kSuperblockStride;

struct Superblock {
  /// As read; what is written is always kFormatVersion.
  std::uint16_t version = kFormatVersion;
  std::array<std::uint8_t, 16> image_id{};
  std::uint64_t device_bytes = 0;
  std::uint32_t segment_bytes = 0;
  std::uint32_t segment_count = 0;
  std::uint8_t partition_bits = 0;
  bool clean = false;
  /// Grows with every change; the higher copy counts.
  std::uint64_t generation = 0;
  std::uint64_t boot_count = 0;
  /// Where the log ended, when `clean`.
  std::uint64_t end_group = 0;
  std::uint64_t end_address = 0;
  std::uint32_t end_crc = 0;
  std::uint64_t end_sequence = 0;

  friend bool operator==(const Superblock&, const Superblock&) = default;
};

enum class SuperblockState : std::uint8_t {
  kValid,
  /// Bears the mark of an image but not its checksum, place or meaning.
  kDamaged,
  /// A valid image of a newer format version.
  kNewer,
  /// Not of this format.
  kForeign,
};

/// The image's salt, part of every checksum: blocks of another image never pass for this one's.
[[nodiscard]] std::uint64_t image_salt(const Superblock& superblock) noexcept;

/// Writes one block, kBlockBytes long.
void encode_superblock(const Superblock& superblock, std::uint32_t copy, base::MutableBytes block) noexcept;
/// Reads one block; `superblock` is set only when kValid.
[[nodiscard]] SuperblockState decode_superblock(base::Bytes block, std::uint32_t copy, Superblock& superblock) noexcept;

}  // namespace ferrite::engine
