// Any 4 KiB block: the superblock decoder answers, and what it accepts encodes to an equal superblock.
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/endian.h"
#include "checksum/crc32c.h"
#include "format/superblock.h"

using namespace ferrite;
using namespace ferrite::engine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> block(kBlockBytes);
  if (size > 0) std::memcpy(block.data(), data, size < block.size() ? size : block.size());
  // Half of the inputs get the right mark and checksum, so that what lies behind them is reached.
  if (size > 0 && (data[size - 1] & 1U) != 0) {
    std::memcpy(block.data(), "FERRITE", 8);
    base::store_le(block.data() + 8, checksum::crc32c(base::Bytes(block).subspan(12)));
  }
  Superblock found;
  if (decode_superblock(block, 0, found) == SuperblockState::kValid) {
    found.version = kFormatVersion;  // what is written is always of the newest
    std::vector<std::uint8_t> again(kBlockBytes);
    encode_superblock(found, 0, again);
    Superblock second;
    FERRITE_CHECK(decode_superblock(again, 0, second) == SuperblockState::kValid && second == found);
  }
  return 0;
}
