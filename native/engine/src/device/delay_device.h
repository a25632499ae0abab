// Test decorator: every request reaches the device behind only after a seeded random pause, so requests overtake each
// other. Fault budget: time and order; no data. Threads and ownership as the device behind it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "base/monotonic_clock.h"
#include "engine/block_device.h"
#include "testing/seeded.h"

namespace ferrite::engine {

/// Pauses by kind of request, uniform between the two ends, microseconds.
struct DelayPlan {
  struct Range {
    std::uint64_t from_us = 0;
    std::uint64_t to_us = 0;
  };
  std::uint64_t seed = 1;
  /// In the order of IoKind.
  std::array<Range, 4> pauses{};
};

class DelayDevice final : public BlockDevice {
 public:
  DelayDevice(std::unique_ptr<BlockDevice> behind, const DelayPlan& plan) noexcept
      : behind_(std::move(behind)), plan_(plan), random_(plan.seed) {}

  DeviceKind kind() const noexcept override { return behind_->kind(); }
  std::uint64_t size_bytes() const noexcept override { return behind_->size_bytes(); }
  DurabilityContract durability() const noexcept override { return behind_->durability(); }
  bool allocates_on_write() const noexcept override { return behind_->allocates_on_write(); }
  int left_alone_ms() const noexcept override { return behind_->left_alone_ms(); }

  void submit(IoRequest& request) noexcept override {
    const DelayPlan::Range& range = plan_.pauses[static_cast<std::size_t>(request.kind)];
    const std::uint64_t pause_us = range.from_us + random_.below(range.to_us - range.from_us + 1);
    held_.emplace(base::monotonic_ns() + pause_us * 1000, &request);
  }
  void poll() noexcept override {
    let_go();
    behind_->poll();
  }
  void park(int timeout_ms) noexcept override {
    let_go();
    behind_->park(held_.empty() ? timeout_ms : sooner(timeout_ms));
    let_go();
    behind_->poll();
  }
  void wake() noexcept override { behind_->wake(); }

 private:
  void let_go() noexcept {
    const std::uint64_t now = base::monotonic_ns();
    while (!held_.empty() && held_.begin()->first <= now) {
      IoRequest& request = *held_.begin()->second;
      held_.erase(held_.begin());
      behind_->submit(request);
    }
  }
  // Milliseconds until the first held request is due, if that comes before the timeout.
  [[nodiscard]] int sooner(int timeout_ms) const noexcept {
    const std::uint64_t now = base::monotonic_ns();
    const std::uint64_t due = std::max(now, held_.begin()->first) - now;
    const int due_ms = static_cast<int>(due / 1'000'000) + 1;
    return timeout_ms < 0 ? due_ms : std::min(timeout_ms, due_ms);
  }

  std::unique_ptr<BlockDevice> behind_;
  const DelayPlan plan_;
  testing::Seeded random_;
  std::multimap<std::uint64_t, IoRequest*> held_;
};

}  // namespace ferrite::engine
