// How much the log may promise. Threads: plain value; the owner synchronises.
//
// Writes are admitted by what they keep alive, not by the space that happens to be free: compaction turns the rest into
// free segments while writes wait. That works as long as what is alive always fits, whatever the order it is moved in:
// two segments stay for the log's end and for moving, an eighth and two blocks of each for padding and for what is left
// over at its end, and a record that is large against a segment counts twice, since up to its own length may be left over.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/endian.h"
#include "format/group.h"
#include "format/record.h"

namespace ferrite::engine {

class Capacity {
 public:
  constexpr Capacity() noexcept = default;
  constexpr Capacity(std::uint32_t segments, std::uint32_t usable_bytes) noexcept
      : usable_(usable_bytes),
        limit_((std::int64_t{segments} - kSpareSegments) *
               (std::int64_t{usable_bytes} - usable_bytes / 8 - 2 * std::int64_t{kBlockBytes})) {}

  /// What a record of `bytes` in the log counts for.
  [[nodiscard]] constexpr std::int64_t charge(std::uint32_t bytes) const noexcept {
    return bytes <= usable_ / 16 ? bytes : 2 * std::int64_t{base::round_up(kGroupHeaderBytes + bytes, kBlockBytes)};
  }
  /// Sum of charges that puts may reach.
  [[nodiscard]] constexpr std::int64_t puts() const noexcept { return limit_ - removals_reserve(); }
  /// Sum of charges that removals may reach: a full device still takes them.
  [[nodiscard]] constexpr std::int64_t removals() const noexcept { return limit_; }
  /// The largest record an empty image takes, bytes in the log.
  [[nodiscard]] constexpr std::uint32_t largest_record() const noexcept {
    const std::int64_t half = puts() / 2 - kGroupHeaderBytes - kBlockBytes;
    return static_cast<std::uint32_t>(std::min<std::int64_t>(half, usable_ - kGroupHeaderBytes));
  }

 private:
  static constexpr std::int64_t kSpareSegments = 2;
  [[nodiscard]] constexpr std::int64_t removals_reserve() const noexcept {
    return std::min<std::int64_t>(limit_ / 32 + kBlockBytes, usable_);
  }

  std::uint32_t usable_ = 0;
  std::int64_t limit_ = 0;
};

}  // namespace ferrite::engine
