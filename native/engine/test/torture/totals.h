// What a torture run did. Counts only; a violation ends the run.
#pragma once

#include <cstdint>

namespace ferrite::engine::torture {

struct Totals {
  std::uint64_t seeds = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t cuts = 0;
  std::uint64_t cuts_in_recovery = 0;
  /// The device was moving records, or writing a checkpoint, shortly before the power went.
  std::uint64_t cuts_in_compaction = 0;
  std::uint64_t cuts_in_checkpoint = 0;
  std::uint64_t from_checkpoint = 0;
  std::uint64_t ambiguous = 0;
  std::uint64_t sealed = 0;
  /// Appends refused because the device was full.
  std::uint64_t refused = 0;
};

}  // namespace ferrite::engine::torture
