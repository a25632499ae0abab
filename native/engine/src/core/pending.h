// What was accepted and is not applied yet, so that a read of it waits and every other need not. Threads: under the
// core's mutex. Owned by the core.
#pragma once

#include <cstdint>
#include <vector>

#include "core/intake.h"
#include "format/record.h"

namespace ferrite::engine::internal {

/// Counts by a part of the hash: a read may wait for nothing, never miss something.
class Pending {
 public:
  void accepted(const StagedWrite& write) noexcept {
    ++filter_[(write.hash ^ write.keyspace) % kFilter];
    if (write.kind == RecordKind::kDrop) ++drops_;
  }
  void applied(const StagedWrite& write) noexcept {
    --filter_[(write.hash ^ write.keyspace) % kFilter];
    if (write.kind == RecordKind::kDrop) --drops_;
  }
  [[nodiscard]] bool may_hold(std::uint32_t keyspace, std::uint64_t hash) const noexcept {
    return drops_ > 0 || filter_[(hash ^ keyspace) % kFilter] > 0;
  }

 private:
  static constexpr std::uint32_t kFilter = 1U << 14U;
  std::vector<std::uint16_t> filter_ = std::vector<std::uint16_t>(kFilter);
  std::uint32_t drops_ = 0;
};

}  // namespace ferrite::engine::internal
