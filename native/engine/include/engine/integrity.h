// What an engine says of damage it finds, and of the scrub that looks for it. Threads: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/reason.gen.h"

namespace ferrite::engine {

/// Who found a piece of damage.
enum class DamageSource : std::uint8_t { kOpen, kRead, kScrub, kCompaction };

/// Something acknowledged that cannot be read back. What is not set is unknown: without a key any record of the
/// partition may be concerned, without a keyspace any record at all.
struct DamageReport {
  std::optional<std::uint32_t> keyspace;
  std::optional<std::uint32_t> partition;
  /// Empty: unknown.
  std::vector<std::uint8_t> key;
  base::Reason reason = base::Reason::kChecksumMismatch;
  DamageSource source = DamageSource::kOpen;
};

/// What a scrub reads when it is not told how fast, bytes per second.
inline constexpr std::uint64_t kScrubRateDefault = 32ULL << 20U;

/// Where the running scrub is, or how the last one ended. Gauges, not one consistent snapshot.
struct ScrubProgress {
  bool running = false;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  /// Milliseconds since the epoch, 0: never. `finished_at_ms`: of the last pass that saw everything.
  std::uint64_t started_at_ms = 0;
  std::uint64_t finished_at_ms = 0;
  /// Records of this pass that cannot be read back; each is reported once.
  std::uint64_t damaged_records = 0;
  /// Places of this pass where anything was wrong, with or without something alive in them.
  std::uint64_t damaged_places = 0;
};

}  // namespace ferrite::engine
