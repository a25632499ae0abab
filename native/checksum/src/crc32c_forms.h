// The forms behind crc32c(): `state` is the raw register (already inverted). Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ferrite::checksum {

using Crc32cForm = std::uint32_t (*)(std::uint32_t state, const std::uint8_t* data, std::size_t size) noexcept;

/// Portable, and the oracle of the others.
std::uint32_t crc32c_table(std::uint32_t state, const std::uint8_t* data, std::size_t size) noexcept;

/// The processor's own form, or nullptr where this build or processor has none.
Crc32cForm crc32c_sse42_form() noexcept;
Crc32cForm crc32c_arm_form() noexcept;

}  // namespace ferrite::checksum
