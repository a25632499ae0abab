// Bounded ring between one producing and one consuming thread. Threads: `push` from the producer, `pop` from the
// consumer, `empty` from either. Owns its cells, allocated once.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "base/check.h"

namespace ferrite::runtime {

template <typename T>
class SpscRing {
 public:
  /// Holds up to `capacity` values.
  explicit SpscRing(std::size_t capacity) : capacity_(capacity + 1), cells_(std::make_unique<T[]>(capacity + 1)) {}

  /// The caller has made sure that there is room: overflow is a bug.
  void push(T&& value) noexcept {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    const std::size_t next = tail + 1 == capacity_ ? 0 : tail + 1;
    FERRITE_CHECK(next != head_.load(std::memory_order_acquire));
    cells_[tail] = std::move(value);
    tail_.store(next, std::memory_order_seq_cst);
  }

  /// False when empty.
  [[nodiscard]] bool pop(T& value) noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_seq_cst)) return false;
    value = std::move(cells_[head]);
    head_.store(head + 1 == capacity_ ? 0 : head + 1, std::memory_order_release);
    return true;
  }

  [[nodiscard]] bool empty() const noexcept {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_seq_cst);
  }

 private:
  const std::size_t capacity_;
  const std::unique_ptr<T[]> cells_;
  alignas(64) std::atomic<std::size_t> head_{0};
  alignas(64) std::atomic<std::size_t> tail_{0};
};

}  // namespace ferrite::runtime
