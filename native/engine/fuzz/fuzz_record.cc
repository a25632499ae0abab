// Any bytes: the record decoder reads nothing beyond them, and what it accepts lies within them.
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/endian.h"
#include "format/record.h"

using namespace ferrite;
using namespace ferrite::engine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  constexpr std::uint64_t kAddress = 0x20000;
  constexpr std::uint64_t kSalt = 7;
  // Half of the inputs that could be a record get the checksums they lack.
  if (size >= kRecordHeadBytes && (data[size - 1] & 1U) != 0) {
    const RecordHead head = trusted_record_head(bytes.data());
    if (std::uint64_t{kRecordHeadBytes} + head.key_bytes + head.value_bytes <= size) {
      seal_record(bytes.data(), kAddress, kSalt);
    }
  }
  RecordHead head;
  base::Bytes key;
  base::Bytes value;
  if (decode_record_head(bytes, kAddress, kSalt, head, key)) {
    FERRITE_CHECK(key.size() == head.key_bytes && key.empty() == (head.kind == RecordKind::kDrop));
    FERRITE_CHECK(key.data() + key.size() <= bytes.data() + bytes.size());
    if (decode_record_value(bytes, head, value)) {
      FERRITE_CHECK(value.size() == head.value_bytes);
      FERRITE_CHECK(value.empty() || value.data() + value.size() <= bytes.data() + bytes.size());
    }
  }
  return 0;
}
