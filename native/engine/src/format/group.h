// Group headers, seals and free marks: the blocks that frame the log (FORMAT.md section 4).
// Threads: pure functions and plain values.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "engine/limits.h"

namespace ferrite::engine {

inline constexpr std::uint32_t kGroupHeaderBytes = 96;

enum class FrameKind : std::uint8_t {
  /// Records follow; `length` bytes in all.
  kGroup = 1,
  /// Everything up to and including group `group` is durable, and the log went no further here.
  kSeal = 2,
  /// The segment's groups up to life `life` are no longer part of the log.
  kFreeMark = 3,
  /// A group of records that compaction moved here: they keep their sequences. Since version 2.
  kCopies = 4,
  /// Pages of an index checkpoint (checkpoint.h). Since version 2.
  kIndexPage = 5,
  kTablePage = 6,
  kRootPage = 7,
};

/// What writers write; readers also know every older one.
inline constexpr std::uint8_t kFrameVersion = 2;

/// Some record of this group, or of its predecessor, met another key under its hash. Only such groups must be compared
/// with what is in the index key by key when they are replayed, and one that nothing vouches for.
inline constexpr std::uint32_t kDoubtOwn = 1;
inline constexpr std::uint32_t kDoubtPrevious = 2;

[[nodiscard]] constexpr bool is_page(FrameKind kind) noexcept { return kind >= FrameKind::kIndexPage; }
/// Records follow the header.
[[nodiscard]] constexpr bool holds_records(FrameKind kind) noexcept {
  return kind == FrameKind::kGroup || kind == FrameKind::kCopies;
}

/// The identity of a group as its successor and seal name it.
struct GroupId {
  std::uint64_t group = 0;
  std::uint64_t address = 0;
  std::uint32_t crc = 0;

  friend bool operator==(const GroupId&, const GroupId&) = default;
};

struct Frame {
  FrameKind kind = FrameKind::kGroup;
  /// That of its segment: a segment's frames are all of one version.
  std::uint8_t version = kFrameVersion;
  /// Whole frame, a multiple of kBlockBytes.
  std::uint32_t length = kBlockBytes;
  /// Group: its own number, from 1 and without gaps. Seal: that of the group it seals. Free mark: 0.
  std::uint64_t group = 0;
  /// Device offset of this frame.
  std::uint64_t address = 0;
  /// How often segments have been taken into use, at the time this one was.
  std::uint64_t life = 0;
  /// Group: its predecessor. Seal: the sealed group.
  GroupId previous;
  std::uint32_t record_count = 0;
  /// Group: sequence of its first record. Seal and copies: the next sequence.
  std::uint64_t first_sequence = 0;
  /// Bytes of header and records; zeros follow up to `length`.
  std::uint32_t used_bytes = kGroupHeaderBytes;
  /// Low half of the boot that wrote it.
  std::uint32_t boot = 0;
  /// Groups and seals: kDoubtOwn, kDoubtPrevious. Pages: 0.
  std::uint32_t doubt = 0;
  /// Pages: checksum of the content. Else 0.
  std::uint32_t content_crc = 0;

  friend bool operator==(const Frame&, const Frame&) = default;
};

/// Writes the header into the first kGroupHeaderBytes of `block`; `salt` is the image's. Returns its checksum.
std::uint32_t encode_frame(const Frame& frame, std::uint64_t salt, base::MutableBytes block) noexcept;

/// Reads a header found at device offset `address`; false unless it is whole, of this image and of this place.
/// `block` holds at least kGroupHeaderBytes. `crc` receives the header's checksum.
[[nodiscard]] bool decode_frame(base::Bytes block, std::uint64_t address, std::uint64_t salt, Frame& frame,
                                std::uint32_t& crc) noexcept;

/// Every byte is zero.
[[nodiscard]] bool all_zero(base::Bytes bytes) noexcept;

}  // namespace ferrite::engine
