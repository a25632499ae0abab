// Remembers which key lies at a location, so that an overwrite need not read the old record to know that its key is the
// same. A bounded cache: forgetting costs one read, never correctness. Threads: the reactor. Owns its table, of which
// only what is used takes memory.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "base/check.h"
#include "checksum/xxh64.h"
#include "index/location.h"

namespace ferrite::engine {

/// Two entries share a bucket. An entry is 32 bits that tell its location from others of the bucket, and 32 bits of its
/// key's fingerprint under a seed that only this process knows. To take one key for another, both must have the same
/// 64-bit hash (else nobody asks) and, by a chance of 2^-32 that nobody can work on, the same tag.
class KeyWitness {
 public:
  /// `entries` is rounded up to a power of two, 2 at least; 8 bytes each.
  KeyWitness(std::size_t entries, std::uint64_t seed)
      : bits_(static_cast<unsigned>(std::bit_width(std::bit_ceil(entries < 4 ? 4 : entries) / 2) - 1)),
        seed_(seed),
        buckets_(static_cast<Bucket*>(std::calloc(std::size_t{1} << bits_, sizeof(Bucket)))) {
    FERRITE_CHECK(buckets_ != nullptr);
  }

  void remember(Location location, base::Bytes key) noexcept {
    const Place place = place_of(location);
    Bucket& bucket = buckets_.get()[place.bucket];
    if (bucket.recent.check != place.check) bucket.older = bucket.recent;
    bucket.recent = {place.check, tag_of(key)};
  }
  /// Is `key` the one stored at `location`? Nothing when forgotten.
  [[nodiscard]] std::optional<bool> same(Location location, base::Bytes key) const noexcept {
    const Place place = place_of(location);
    const Bucket& bucket = buckets_.get()[place.bucket];
    for (const Entry& entry : {bucket.recent, bucket.older}) {
      if (entry.check == place.check) return entry.tag == tag_of(key);
    }
    return std::nullopt;
  }

 private:
  struct Entry {
    /// 0: nothing.
    std::uint32_t check;
    std::uint32_t tag;
  };
  struct Bucket {
    Entry recent;
    Entry older;
  };
  struct Place {
    std::size_t bucket;
    std::uint32_t check;
  };
  struct Free {
    void operator()(Bucket* buckets) const noexcept { std::free(buckets); }
  };

  // A bijection, of which bucket and check take different bits.
  [[nodiscard]] Place place_of(Location location) const noexcept {
    const std::uint64_t mixed = location.address() / kRecordAlignment * 0x9e3779b97f4a7c15ULL;
    return {static_cast<std::size_t>(mixed >> (64U - bits_)), static_cast<std::uint32_t>(mixed >> (32U - bits_)) | 1U};
  }
  [[nodiscard]] std::uint32_t tag_of(base::Bytes key) const noexcept {
    return static_cast<std::uint32_t>(checksum::fingerprint(key, seed_).low);
  }

  unsigned bits_;
  std::uint64_t seed_;
  std::unique_ptr<Bucket, Free> buckets_;
};

}  // namespace ferrite::engine
