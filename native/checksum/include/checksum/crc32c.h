// CRC32C (Castagnoli, RFC 3720 appendix B.4). Threads: pure function.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace ferrite::checksum {

/// CRC32C of `bytes` continuing from `crc`, itself a CRC32C (0 to start): crc32c(b, crc32c(a)) == crc32c(a + b).
/// Uses the processor's instruction where there is one.
[[nodiscard]] std::uint32_t crc32c(base::Bytes bytes, std::uint32_t crc = 0) noexcept;

}  // namespace ferrite::checksum
