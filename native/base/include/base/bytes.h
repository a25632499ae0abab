// Views of raw memory. Threads: plain values. They own nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ferrite::base {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

}  // namespace ferrite::base
