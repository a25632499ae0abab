#include "base/aligned_buffer.h"

#include <sys/mman.h>

#include "base/check.h"
#include "base/endian.h"

namespace ferrite::base {

AlignedBuffer::AlignedBuffer(std::size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  const std::size_t mapped = round_up(bytes, kAlignment);
  void* memory = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  FERRITE_CHECK(memory != MAP_FAILED);
  data_ = {static_cast<std::uint8_t*>(memory), Unmap{mapped}};
}

void AlignedBuffer::Unmap::operator()(std::uint8_t* data) const noexcept { ::munmap(data, bytes); }

}  // namespace ferrite::base
