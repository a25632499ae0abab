// Damage found and not yet taken by anybody: bounded, and what is already waiting does not wait twice.
// Threads: any. Owned by the core.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/integrity.h"

namespace ferrite::engine::internal {

class DamageQueue {
 public:
  static constexpr std::size_t kReportsMax = 1024;

  void add(DamageReport report) {
    {
      const std::lock_guard lock(mutex_);
      if (reports_.size() < kReportsMax) {
        reports_.insert(std::move(report));
      } else if (!reports_.contains(report)) {
        dropped_ = report.source;
      }
    }
    news_.store(true, std::memory_order_release);
  }

  /// Everything that waits; the last report has no name when some could not be kept.
  [[nodiscard]] std::vector<DamageReport> take() {
    const std::lock_guard lock(mutex_);
    std::vector<DamageReport> taken;
    while (!reports_.empty()) taken.push_back(std::move(reports_.extract(reports_.begin()).value()));
    if (const auto source = std::exchange(dropped_, std::nullopt)) {
      taken.emplace_back().source = *source;
    }
    return taken;
  }

  [[nodiscard]] bool has_news() const noexcept { return news_.load(std::memory_order_acquire); }
  /// Something was added since the last call.
  [[nodiscard]] bool take_news() noexcept { return has_news() && news_.exchange(false, std::memory_order_acq_rel); }

 private:
  struct Before {
    static auto rank(const DamageReport& report) noexcept {
      return std::tuple(report.keyspace, report.partition, report.reason, report.source,
                        std::string_view(reinterpret_cast<const char*>(report.key.data()), report.key.size()));
    }
    bool operator()(const DamageReport& a, const DamageReport& b) const noexcept { return rank(a) < rank(b); }
  };

  std::mutex mutex_;
  std::set<DamageReport, Before> reports_;
  std::optional<DamageSource> dropped_;
  std::atomic<bool> news_{false};
};

}  // namespace ferrite::engine::internal
