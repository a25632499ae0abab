// Whether to wait for a read right where it was asked for, instead of going through the event loop.
// Thread: one. Owner: EngineHandle.
#pragma once

#include <algorithm>
#include <cstdint>

namespace ferrite::addon {

class InlineWaits {
 public:
  /// To be asked before each wait. Now and then the loop gets a turn, whatever it looks like from here; and a device
  /// that was too slow is waited for ever more seldom.
  [[nodiscard]] bool next() noexcept {
    if (skip_ > 0) {
      --skip_;
      return false;
    }
    if (in_row_ == kInRowMax) {
      in_row_ = 0;
      return false;
    }
    ++in_row_;
    return true;
  }
  /// Whether to look if the loop has something to do before this wait: every fourth time, since looking costs as much as
  /// a tenth of a read.
  [[nodiscard]] bool look() const noexcept { return in_row_ % 4 == 1; }
  /// How the wait went.
  void ended(bool well) noexcept {
    penalty_ = well ? 0 : std::min(penalty_ * 2 + 1, kPenaltyMax);
    skip_ = penalty_;
  }

 private:
  static constexpr std::uint32_t kInRowMax = 64;
  static constexpr std::uint32_t kPenaltyMax = 255;
  std::uint32_t in_row_ = 0;
  std::uint32_t penalty_ = 0;
  std::uint32_t skip_ = 0;
};

}  // namespace ferrite::addon
