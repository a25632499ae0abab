// How long to wait for a device. Threads: a plain value.
#pragma once

#include <cstdint>

namespace ferrite::engine {

/// Nanoseconds: first without giving the processor away, then asleep. Nothing by default.
struct Patience {
  static constexpr std::uint64_t kForever = ~std::uint64_t{0};
  std::uint64_t spin_ns = 0;
  std::uint64_t sleep_ns = 0;

  [[nodiscard]] constexpr bool none() const noexcept { return spin_ns == 0 && sleep_ns == 0; }
};

}  // namespace ferrite::engine
