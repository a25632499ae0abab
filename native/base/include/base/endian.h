// Little-endian loads and stores at any alignment. Threads: pure functions.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace ferrite::base {

static_assert(std::endian::native == std::endian::little, "big-endian hosts need byte swaps here");

template <std::unsigned_integral T>
[[nodiscard]] inline T load_le(const std::uint8_t* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <std::unsigned_integral T>
inline void store_le(std::uint8_t* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

/// `value` rounded up to a multiple of `unit`, a power of two.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T round_up(T value, T unit) noexcept {
  return static_cast<T>((value + unit - 1U) & ~(unit - 1U));
}

}  // namespace ferrite::base
