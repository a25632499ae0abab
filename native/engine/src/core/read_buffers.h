// Device memory for reads, leased to completions and recycled. Threads: any. The pool is shared by its leases.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "base/aligned_buffer.h"

namespace ferrite::engine::internal {

class ReadBufferPool;

/// One lease: block-aligned memory and the places of the verified records in it. Deleting it returns it to its pool.
class ReadBuffer {
 public:
  base::AlignedBuffer memory;
  /// Offsets of the records in `memory`, in order.
  std::vector<std::uint32_t> offsets;
  /// The records' values were read too.
  bool with_values = true;

  void operator delete(ReadBuffer* self, std::destroying_delete_t) noexcept;

 private:
  friend class ReadBufferPool;
  std::shared_ptr<ReadBufferPool> pool_;
  unsigned size_class_ = 0;
};

class ReadBufferPool : public std::enable_shared_from_this<ReadBufferPool> {
 public:
  /// `wake` is called (under the pool's lock) when memory returns that somebody was refused before.
  ReadBufferPool(std::uint64_t budget_bytes, void (*wake)(void*), void* context) noexcept
      : budget_bytes_(budget_bytes), wake_(wake), context_(context) {}
  ~ReadBufferPool();

  /// Nothing when the budget is spent; one buffer of any size is always to be had.
  [[nodiscard]] std::unique_ptr<ReadBuffer> acquire(std::uint64_t bytes);
  /// No wake call comes after this returns.
  void detach() noexcept;

 private:
  friend class ReadBuffer;
  static constexpr unsigned kClasses = 16;
  static constexpr std::uint64_t kSmallest = 4096;
  void give_back(ReadBuffer* buffer) noexcept;

  const std::uint64_t budget_bytes_;
  std::mutex mutex_;
  void (*wake_)(void*);
  void* context_;
  bool refused_ = false;
  std::uint64_t leased_bytes_ = 0;
  std::uint64_t idle_bytes_ = 0;
  std::array<std::vector<ReadBuffer*>, kClasses> idle_;
};

}  // namespace ferrite::engine::internal
