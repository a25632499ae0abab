// Any bytes: the frame decoder answers, and what it accepts stays within its block and encodes to an equal frame.
#include <cstring>

#include "base/check.h"
#include "base/endian.h"
#include "checksum/crc32c.h"
#include "format/group.h"

using namespace ferrite;
using namespace ferrite::engine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint8_t block[kGroupHeaderBytes] = {};
  if (size > 0) std::memcpy(block, data, size < sizeof block ? size : sizeof block);
  if (size > 0 && (data[size - 1] & 1U) != 0) {
    std::memcpy(block, "FGRP", 4);
    base::store_le(block + 4, checksum::crc32c(base::Bytes(block).subspan(8)));
  }
  Frame frame;
  std::uint32_t crc = 0;
  const auto address = base::load_le<std::uint64_t>(block + 24);
  const auto salt = base::load_le<std::uint64_t>(block + 80);
  if (decode_frame(block, address, salt, frame, crc)) {
    FERRITE_CHECK(frame.length >= kBlockBytes && frame.used_bytes <= frame.length);
    std::uint8_t again[kGroupHeaderBytes];
    encode_frame(frame, salt, again);
    Frame second;
    FERRITE_CHECK(decode_frame(again, address, salt, second, crc) && second == frame);
    FERRITE_CHECK(!decode_frame(again, address + kBlockBytes, salt, second, crc));
  }
  return 0;
}
