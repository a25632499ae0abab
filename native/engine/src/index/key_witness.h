// Remembers which key lies at a location, so that an overwrite need not read the old record to know that its key is the
// same. A bounded cache: forgetting costs one read, never correctness. Threads: the reactor. Owns its table.
#pragma once

#include <bit>
#include <cstddef>
#include <memory>
#include <optional>

#include "checksum/xxh64.h"
#include "index/location.h"

namespace ferrite::engine {

class KeyWitness {
 public:
  KeyWitness(std::size_t slots, std::uint64_t seed)
      : mask_(std::bit_ceil(slots) - 1), seed_(seed), slots_(std::make_unique<Slot[]>(mask_ + 1)) {}

  void remember(Location location, base::Bytes key) noexcept {
    slots_[place(location)] = {location, checksum::fingerprint(key, seed_)};
  }
  /// Is `key` the one stored at `location`? Nothing when forgotten.
  [[nodiscard]] std::optional<bool> same(Location location, base::Bytes key) const noexcept {
    const Slot& slot = slots_[place(location)];
    if (slot.location != location) return std::nullopt;
    return slot.fingerprint == checksum::fingerprint(key, seed_);
  }

 private:
  struct Slot {
    Location location;
    checksum::Fingerprint fingerprint;
  };
  [[nodiscard]] std::size_t place(Location location) const noexcept {
    return static_cast<std::size_t>((location.address() / kRecordAlignment * 0x9e3779b97f4a7c15ULL) >> 24U) & mask_;
  }

  std::size_t mask_;
  std::uint64_t seed_;
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace ferrite::engine
