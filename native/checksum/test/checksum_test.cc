#include <cstring>
#include <string_view>
#include <vector>

#include "checksum/crc32c.h"
#include "checksum/xxh64.h"
#include "crc32c_forms.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using checksum::crc32c;
using checksum::xxh64;

namespace {

base::Bytes bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

}  // namespace

TEST("CRC32C gives the values of RFC 3720 appendix B.4") {
  std::vector<std::uint8_t> data(32, 0);
  EXPECT(crc32c(data) == 0x8a9136aaU);
  data.assign(32, 0xff);
  EXPECT(crc32c(data) == 0x62a8ab43U);
  for (std::size_t i = 0; i < 32; ++i) data[i] = static_cast<std::uint8_t>(i);
  EXPECT(crc32c(data) == 0x46dd794eU);
  for (std::size_t i = 0; i < 32; ++i) data[i] = static_cast<std::uint8_t>(31 - i);
  EXPECT(crc32c(data) == 0x113fdb5cU);
  EXPECT(crc32c(bytes("123456789")) == 0xe3069283U);
}

TEST("the processor's CRC32C agrees with the table at every length, offset and split") {
  testing::Seeded random(7);
  std::vector<std::uint8_t> data(20000);
  for (std::uint8_t& byte : data) byte = static_cast<std::uint8_t>(random.next());
  for (std::size_t size = 0; size < 4096; ++size) {
    const std::size_t offset = random.below(64);
    const base::Bytes view(data.data() + offset, size);
    const std::uint32_t expected = ~checksum::crc32c_table(~0U, view.data(), view.size());
    EXPECT(crc32c(view) == expected);
    const std::size_t split = random.below(size + 1);
    EXPECT(crc32c(view.subspan(split), crc32c(view.first(split))) == expected);
  }
  EXPECT(crc32c(data) == ~checksum::crc32c_table(~0U, data.data(), data.size()));
}

TEST("XXH64 gives the published values") {
  EXPECT(xxh64({}) == 0xef46db3751d8e999ULL);
  EXPECT(xxh64(bytes("a")) == 0xd24ec4f1a98c6e5bULL);
  EXPECT(xxh64(bytes("abc")) == 0x44bc2cf5ad770999ULL);
}
