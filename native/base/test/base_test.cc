#include <cstdint>

#include "base/aligned_buffer.h"
#include "base/endian.h"
#include "base/result.h"
#include "testing/check.h"

using namespace ferrite::base;

TEST("a result holds either a value or the status that explains its absence") {
  Result<int> good(7);
  EXPECT(good.ok() && good.value() == 7 && good.status().ok());
  Result<int> bad(Status(Reason::kDeviceFull, "no room", 28, Effect::kNone));
  EXPECT(!bad.ok());
  EXPECT(bad.status().reason() == Reason::kDeviceFull && bad.status().system_error() == 28);
  EXPECT(reason_name(bad.status().reason()) == "DEVICE_FULL");
}

TEST("numbers are stored with the least significant byte first") {
  std::uint8_t bytes[9] = {};
  store_le<std::uint64_t>(bytes + 1, 0x0102030405060708ULL);
  EXPECT(bytes[1] == 8 && bytes[8] == 1);
  EXPECT(load_le<std::uint32_t>(bytes + 1) == 0x05060708U);
  EXPECT(round_up(4097U, 4096U) == 8192U && round_up(4096U, 4096U) == 4096U && round_up(0U, 16U) == 0U);
}

TEST("an aligned buffer starts at a block boundary and is zero") {
  AlignedBuffer buffer(10000);
  EXPECT(reinterpret_cast<std::uintptr_t>(buffer.data()) % AlignedBuffer::kAlignment == 0);
  for (std::uint8_t byte : buffer.bytes()) EXPECT(byte == 0);
}
