// Owning block-aligned memory, zeroed when made. Threads: as its owner's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

namespace ferrite::base {

class AlignedBuffer {
 public:
  static constexpr std::size_t kAlignment = 4096;

  AlignedBuffer() noexcept = default;
  /// `bytes` zero bytes at a 4096-byte boundary; ends the process when memory is exhausted.
  explicit AlignedBuffer(std::size_t bytes);

  [[nodiscard]] std::uint8_t* data() noexcept { return data_.get(); }
  [[nodiscard]] const std::uint8_t* data() const noexcept { return data_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] MutableBytes bytes() noexcept { return {data_.get(), size_}; }
  [[nodiscard]] Bytes bytes() const noexcept { return {data_.get(), size_}; }

 private:
  struct Unmap {
    std::size_t bytes;
    void operator()(std::uint8_t* data) const noexcept;
  };
  std::unique_ptr<std::uint8_t, Unmap> data_{nullptr, Unmap{0}};
  std::size_t size_ = 0;
};

}  // namespace ferrite::base
