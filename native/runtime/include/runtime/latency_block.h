// Latency histograms under names, in memory that other processes may map or read. The bytes: engine/SEEN.md.
//
// Threads: as the histograms in it; the rest is written once, before the constructor returns. Owner: whoever holds it;
// readers in this process share the ownership, others the descriptor.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/latency_histogram.h"

namespace ferrite::runtime {

class LatencyBlock {
 public:
  static constexpr std::uint64_t kMagic = 0x4c45'5449'5252'4546ULL;  // "FERRITEL"
  static constexpr std::uint32_t kLayoutVersion = 1;
  static constexpr std::size_t kHeaderBytes = 64;
  static constexpr std::size_t kNameBytes = 32;
  /// Name of the memory among /proc/PID/fd, where it reads `/memfd:ferrite-latency (deleted)`.
  static constexpr const char* kMemoryName = "ferrite-latency";

  /// One empty histogram per name; names have at most 31 bytes. Memory that can be shared if the kernel gives it (a
  /// sealed memfd), plain memory otherwise.
  explicit LatencyBlock(std::span<const std::string_view> names);
  LatencyBlock(const LatencyBlock&) = delete;
  LatencyBlock& operator=(const LatencyBlock&) = delete;
  ~LatencyBlock();

  /// `index`: of the name, below `count()`.
  [[nodiscard]] base::LatencyHistogram& at(std::size_t index) noexcept { return histograms_[index]; }
  [[nodiscard]] const base::LatencyHistogram& at(std::size_t index) const noexcept { return histograms_[index]; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] base::Bytes bytes() const noexcept { return {memory_, bytes_}; }
  /// Descriptor of the memory, owned by the block; -1 for plain memory and after `stop_sharing`.
  [[nodiscard]] int fd() const noexcept { return fd_.load(std::memory_order_relaxed); }
  /// Closes the descriptor; the memory stays, here and in processes that have mapped it. Any thread; idempotent.
  void stop_sharing() noexcept;

 private:
  std::size_t count_;
  std::size_t bytes_;
  std::atomic<int> fd_;
  std::uint8_t* memory_;
  base::LatencyHistogram* histograms_;
};

}  // namespace ferrite::runtime
