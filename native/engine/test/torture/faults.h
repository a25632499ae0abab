// One request of a life fails, then the same life again with another one, until every request has failed in every way.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "device/faulty_device.h"

namespace ferrite::engine::torture {

struct FaultTotals {
  std::uint64_t runs = 0;
  /// How the fault showed: open refused, engine stopped, damage or a failed read reported, or not at all while everything
  /// was proven to be there (a read that was tried again or not needed; a file system that grew no further).
  std::uint64_t refused = 0;
  std::uint64_t stopped = 0;
  std::uint64_t reported = 0;
  std::uint64_t contained = 0;
  /// Values gone or old after an open whose report said so.
  std::uint64_t lost_as_reported = 0;
  std::uint64_t acknowledged = 0;
  /// Faults by the place in the engine that asked.
  std::map<std::string, std::array<std::uint64_t, kFaults>> sites;
};

/// Lives of `seed` in three states (a fresh image, one that is half full under compaction, one being recovered), each
/// with a fault at every `stride`-th request. Ends the program on a violation.
void fail_everywhere(std::uint64_t seed, std::uint64_t stride, FaultTotals& totals);

/// Ends the program unless every call site of the engine was hit with every fault it can have, and none is unknown.
void expect_all_sites(const FaultTotals& totals);
/// Which fault is being tried, for the message of a failure.
[[nodiscard]] const std::string& current_fault() noexcept;
/// One line for each call site.
void print_sites(const FaultTotals& totals);

}  // namespace ferrite::engine::torture
