#include "crc32c_forms.h"

#if defined(__x86_64__)
#include <nmmintrin.h>

#include <cstring>

namespace ferrite::checksum {
namespace {

// One instruction has a latency of 3 cycles and a throughput of 1, so three independent streams run abreast and are
// joined by shifting a CRC over the zero bytes that follow it (Gopal et al., Intel, 2011).
constexpr std::size_t kStream = 512;

// Multiplies `crc` by x^(8 * kStream) modulo the polynomial: one table row per byte of the register.
struct Shift {
  std::uint32_t row[4][256];
};

constexpr std::uint32_t times(const std::uint32_t* matrix, std::uint32_t vector) noexcept {
  std::uint32_t sum = 0;
  for (; vector != 0; vector >>= 1U, ++matrix) {
    if ((vector & 1U) != 0) sum ^= *matrix;
  }
  return sum;
}

constexpr Shift make_shift() noexcept {
  std::uint32_t power[32] = {};  // the operator "append one zero bit", squared until it appends kStream bytes
  power[0] = 0x82f63b78U;
  for (unsigned bit = 1; bit < 32; ++bit) power[bit] = 1U << (bit - 1U);
  for (std::size_t bits = 1; bits < kStream * 8; bits *= 2) {
    std::uint32_t squared[32] = {};
    for (unsigned bit = 0; bit < 32; ++bit) squared[bit] = times(power, power[bit]);
    for (unsigned bit = 0; bit < 32; ++bit) power[bit] = squared[bit];
  }
  Shift shift{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    for (unsigned place = 0; place < 4; ++place) shift.row[place][byte] = times(power, byte << (8 * place));
  }
  return shift;
}

constexpr Shift kShift = make_shift();

std::uint32_t shifted(std::uint32_t crc) noexcept {
  return kShift.row[0][crc & 0xffU] ^ kShift.row[1][(crc >> 8U) & 0xffU] ^ kShift.row[2][(crc >> 16U) & 0xffU] ^
         kShift.row[3][crc >> 24U];
}

std::uint64_t word(const std::uint8_t* data) noexcept {
  std::uint64_t value;
  std::memcpy(&value, data, sizeof value);
  return value;
}

std::uint32_t sse42(std::uint32_t state, const std::uint8_t* data, std::size_t size) noexcept {
  while (size >= 3 * kStream) {
    std::uint64_t a = state;
    std::uint64_t b = 0;
    std::uint64_t c = 0;
    for (std::size_t i = 0; i < kStream; i += 8) {
      a = _mm_crc32_u64(a, word(data + i));
      b = _mm_crc32_u64(b, word(data + kStream + i));
      c = _mm_crc32_u64(c, word(data + 2 * kStream + i));
    }
    state = shifted(shifted(static_cast<std::uint32_t>(a)) ^ static_cast<std::uint32_t>(b)) ^
            static_cast<std::uint32_t>(c);
    data += 3 * kStream;
    size -= 3 * kStream;
  }
  std::uint64_t wide = state;
  for (; size >= 8; data += 8, size -= 8) wide = _mm_crc32_u64(wide, word(data));
  state = static_cast<std::uint32_t>(wide);
  for (; size > 0; ++data, --size) state = _mm_crc32_u8(state, *data);
  return state;
}

}  // namespace

Crc32cForm crc32c_sse42_form() noexcept { return __builtin_cpu_supports("sse4.2") != 0 ? &sse42 : nullptr; }

}  // namespace ferrite::checksum
#else
namespace ferrite::checksum {
Crc32cForm crc32c_sse42_form() noexcept { return nullptr; }
}  // namespace ferrite::checksum
#endif
