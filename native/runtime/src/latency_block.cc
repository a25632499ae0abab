#include "runtime/latency_block.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "base/check.h"
#include "base/endian.h"

namespace ferrite::runtime {
namespace {

using base::LatencyHistogram;

constexpr std::size_t kAlignment = 64;

// -1 where the kernel or a seccomp filter refuses one.
int sealed_memory(std::size_t bytes) noexcept {
  const int fd = ::memfd_create(LatencyBlock::kMemoryName, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -1;
  // Of a fixed size for good: no reader that has mapped it can meet a bus error.
  if (::ftruncate(fd, static_cast<off_t>(bytes)) == 0 &&
      ::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
    return fd;
  }
  ::close(fd);
  return -1;
}

std::uint8_t* mapped(int fd, std::size_t bytes) noexcept {
  const int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  FERRITE_CHECK(memory != MAP_FAILED);
  return static_cast<std::uint8_t*>(memory);
}

std::size_t first_histogram(std::size_t count) noexcept {
  return base::round_up(LatencyBlock::kHeaderBytes + count * LatencyBlock::kNameBytes, kAlignment);
}

}  // namespace

LatencyBlock::LatencyBlock(std::span<const std::string_view> names)
    : count_(names.size()),
      bytes_(first_histogram(count_) + count_ * sizeof(LatencyHistogram)),
      fd_(sealed_memory(bytes_)),
      memory_(mapped(fd(), bytes_)),
      histograms_(reinterpret_cast<LatencyHistogram*>(memory_ + first_histogram(count_))) {
  std::uninitialized_value_construct_n(histograms_, count_);
  for (std::size_t i = 0; i < count_; ++i) {
    FERRITE_CHECK(names[i].size() < kNameBytes);
    std::memcpy(memory_ + kHeaderBytes + i * kNameBytes, names[i].data(), names[i].size());
  }
  base::store_le<std::uint32_t>(memory_ + 8, kLayoutVersion);
  base::store_le<std::uint32_t>(memory_ + 12, static_cast<std::uint32_t>(count_));
  base::store_le<std::uint32_t>(memory_ + 16, LatencyHistogram::kSubBits);
  base::store_le<std::uint32_t>(memory_ + 20, static_cast<std::uint32_t>(LatencyHistogram::kBuckets));
  base::store_le<std::uint32_t>(memory_ + 24, static_cast<std::uint32_t>(first_histogram(count_)));
  base::store_le<std::uint32_t>(memory_ + 28, static_cast<std::uint32_t>(sizeof(LatencyHistogram)));
  // Last: whoever finds the magic number finds the rest.
  std::atomic_ref(*reinterpret_cast<std::uint64_t*>(memory_)).store(kMagic, std::memory_order_release);
}

LatencyBlock::~LatencyBlock() {
  stop_sharing();
  ::munmap(memory_, bytes_);
}

void LatencyBlock::stop_sharing() noexcept {
  const int fd = fd_.exchange(-1, std::memory_order_relaxed);
  if (fd >= 0) ::close(fd);
}

}  // namespace ferrite::runtime
