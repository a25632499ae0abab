// Images at the limit of what they take, with values from nothing to the largest: what is accepted always finds a place,
// what is refused is refused at once, and room that is made can be used again.
#pragma once

#include <cstdint>

namespace ferrite::engine::torture {

struct BrimTotals {
  std::uint64_t seeds = 0;
  std::uint64_t accepted = 0;
  /// Writes refused because the image was full, and images full again after room was made.
  std::uint64_t refused = 0;
  std::uint64_t emptied = 0;
  std::uint64_t empty_values = 0;
  std::uint64_t largest_values = 0;
};

/// One image of a few segments. Ends the program on a violation.
void fill_to_the_brim(std::uint64_t seed, BrimTotals& totals);

}  // namespace ferrite::engine::torture
