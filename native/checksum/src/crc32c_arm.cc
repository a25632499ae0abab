#include "crc32c_forms.h"

#if defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#include <sys/auxv.h>

#include <cstring>

namespace ferrite::checksum {
namespace {

constexpr unsigned long kHardwareCrc32 = 1UL << 7U;  // HWCAP_CRC32 of the arm64 ABI

std::uint32_t arm(std::uint32_t state, const std::uint8_t* data, std::size_t size) noexcept {
  for (; size >= 8; data += 8, size -= 8) {
    std::uint64_t value;
    std::memcpy(&value, data, sizeof value);
    state = __crc32cd(state, value);
  }
  for (; size > 0; ++data, --size) state = __crc32cb(state, *data);
  return state;
}

}  // namespace

Crc32cForm crc32c_arm_form() noexcept { return (getauxval(AT_HWCAP) & kHardwareCrc32) != 0 ? &arm : nullptr; }

}  // namespace ferrite::checksum
#else
namespace ferrite::checksum {
Crc32cForm crc32c_arm_form() noexcept { return nullptr; }
}  // namespace ferrite::checksum
#endif
