// Seeded random numbers (xoshiro256**, seeded by splitmix64). Threads: one owner. A plain value.
#pragma once

#include <cstdint>

namespace ferrite::testing {

class Seeded {
 public:
  explicit constexpr Seeded(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31U);
    }
  }

  constexpr std::uint64_t next() noexcept {
    const std::uint64_t result = rotate(state_[1] * 5U, 7) * 9U;
    const std::uint64_t t = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }
  /// Uniform in [0, bound). `bound` > 0.
  constexpr std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  /// True with probability percent / 100.
  constexpr bool chance(std::uint64_t percent) noexcept { return below(100) < percent; }

 private:
  static constexpr std::uint64_t rotate(std::uint64_t x, unsigned k) noexcept {
    return (x << k) | (x >> (64U - k));
  }
  std::uint64_t state_[4] = {};
};

}  // namespace ferrite::testing
