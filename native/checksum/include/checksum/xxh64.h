// XXH64 (xxHash specification 0.1.1) and a wide seeded fingerprint. Threads: pure functions.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace ferrite::checksum {

[[nodiscard]] std::uint64_t xxh64(base::Bytes bytes, std::uint64_t seed = 0) noexcept;

struct Fingerprint {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend constexpr bool operator==(const Fingerprint&, const Fingerprint&) noexcept = default;
};

/// XXH3-128 under a seed. With a seed nobody outside knows, equal fingerprints mean equal bytes for every purpose here.
[[nodiscard]] Fingerprint fingerprint(base::Bytes bytes, std::uint64_t seed) noexcept;

}  // namespace ferrite::checksum
