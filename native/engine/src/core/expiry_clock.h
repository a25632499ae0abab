// The time by which records end, where the engine was told to end them. Threads: any.
#pragma once

#include <time.h>

#include <atomic>
#include <cstdint>

#include "format/record.h"

namespace ferrite::engine::internal {

class ExpiryClock {
 public:
  explicit ExpiryClock(bool on) noexcept : on_(on) {}

  /// The system's time, milliseconds since the epoch, but never less than before; 0 when nothing ends.
  std::uint64_t now_ms() noexcept {
    if (!on_) return 0;
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const std::uint64_t ms = static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
    std::uint64_t latest = latest_.load(std::memory_order_relaxed);
    while (latest < ms && !latest_.compare_exchange_weak(latest, ms, std::memory_order_relaxed)) {
    }
    return latest < ms ? ms : latest;
  }
  /// What expires at this time or earlier may be removed for good; 0 when nothing may.
  std::uint64_t final_ms() noexcept {
    const std::uint64_t now = now_ms();
    return now > kExpiryGraceMs ? now - kExpiryGraceMs : 0;
  }

  /// Not to be shown any more.
  bool passed(const RecordHead& record) noexcept { return over(record) && record.expires_at_ms <= now_ms(); }
  /// To be removed by compaction.
  bool final(const RecordHead& record) noexcept { return over(record) && record.expires_at_ms <= final_ms(); }

 private:
  [[nodiscard]] bool over(const RecordHead& record) const noexcept {
    return on_ && record.kind == RecordKind::kPut && record.expires_at_ms != 0;
  }

  const bool on_;
  std::atomic<std::uint64_t> latest_{0};
};

}  // namespace ferrite::engine::internal
