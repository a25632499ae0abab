// Fixed limits of the engine and the relations between them. Threads: constants.
#pragma once

#include <cstdint>

namespace ferrite::engine {

/// Unit of device I/O and of group alignment, bytes.
inline constexpr std::uint32_t kBlockBytes = 4096;
/// Longest key, bytes. Keys have at least one byte.
inline constexpr std::uint32_t kKeyBytesMax = 1024;
/// Longest value any image accepts, bytes; an image with small segments accepts less (`Engine::value_bytes_max`).
inline constexpr std::uint32_t kValueBytesMax = 17U << 20U;
/// Segment size of a new image unless the caller or a small device says otherwise, bytes.
inline constexpr std::uint32_t kSegmentBytesDefault = 32U << 20U;
inline constexpr std::uint32_t kSegmentBytesMin = 64U << 10U;
inline constexpr std::uint32_t kSegmentBytesMax = 256U << 20U;
/// With `OpenOptions::expire`, compaction removes a record this long after its time: a clock that was set right again by
/// less has cost nothing. Milliseconds.
inline constexpr std::uint64_t kExpiryGraceMs = 60'000;
/// Fewest segments of an image.
inline constexpr std::uint32_t kSegmentsMin = 4;
/// Writes of one batch, at most; their bytes: `Engine::batch_bytes_max`.
inline constexpr std::uint32_t kBatchRecordsMax = 4096;
inline constexpr std::uint32_t kPartitionBitsDefault = 10;
inline constexpr std::uint32_t kPartitionBitsMax = 16;
/// Operations one client may have in flight, at most.
inline constexpr std::uint32_t kClientDepthMax = 1U << 16U;
/// A flushed seal follows the last group within this time when nothing else is written (P17), milliseconds.
inline constexpr std::uint32_t kSealDelayMs = 10;

static_assert(kSegmentBytesDefault % kBlockBytes == 0);
static_assert(kValueBytesMax + kKeyBytesMax + 2 * kBlockBytes < kSegmentBytesDefault);
static_assert(kSegmentBytesMin >= 16 * kBlockBytes);

}  // namespace ferrite::engine
