#include "checksum/crc32c.h"

#include "crc32c_forms.h"

namespace ferrite::checksum {
namespace {

Crc32cForm choose() noexcept {
  if (const Crc32cForm form = crc32c_sse42_form()) return form;
  if (const Crc32cForm form = crc32c_arm_form()) return form;
  return &crc32c_table;
}

}  // namespace

std::uint32_t crc32c(base::Bytes bytes, std::uint32_t crc) noexcept {
  static const Crc32cForm form = choose();
  return ~form(~crc, bytes.data(), bytes.size());
}

}  // namespace ferrite::checksum
