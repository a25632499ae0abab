// Where a record lies and how long it is, in one word. Threads: plain value.
#pragma once

#include <cstdint>

#include "base/check.h"
#include "format/record.h"

namespace ferrite::engine {

/// Offset in 16-byte units (42 bits: devices up to 64 TiB), length in 16-byte units (21 bits), damaged (1 bit).
class Location {
 public:
  constexpr Location() noexcept = default;
  constexpr Location(std::uint64_t address, std::uint32_t bytes, bool damaged = false) noexcept
      : word_((address / kRecordAlignment) << 22U |
              static_cast<std::uint64_t>(bytes / kRecordAlignment) << 1U | (damaged ? 1U : 0U)) {}

  [[nodiscard]] constexpr std::uint64_t address() const noexcept { return (word_ >> 22U) * kRecordAlignment; }
  [[nodiscard]] constexpr std::uint32_t bytes() const noexcept {
    return static_cast<std::uint32_t>((word_ >> 1U) & 0x1fffffU) * kRecordAlignment;
  }
  /// The head was whole at replay, the value was not.
  [[nodiscard]] constexpr bool damaged() const noexcept { return (word_ & 1U) != 0; }
  [[nodiscard]] constexpr bool none() const noexcept { return word_ == 0; }

  /// As the index checkpoint stores it.
  [[nodiscard]] constexpr std::uint64_t word() const noexcept { return word_; }
  [[nodiscard]] static constexpr Location from_word(std::uint64_t word) noexcept {
    Location location;
    location.word_ = word;
    return location;
  }

  friend constexpr bool operator==(Location, Location) noexcept = default;

 private:
  std::uint64_t word_ = 0;
};

static_assert(sizeof(Location) == 8);
static_assert(record_bytes(kKeyBytesMax, kValueBytesMax) / kRecordAlignment < (1U << 21U));

}  // namespace ferrite::engine
