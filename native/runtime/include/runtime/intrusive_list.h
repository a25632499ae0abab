// First-in first-out list of objects that carry their own `next` pointer. Threads: one owner. Owns nothing.
#pragma once

#include <cstddef>

namespace ferrite::runtime {

template <typename T>
class IntrusiveList {
 public:
  void push(T* item) noexcept {
    item->next = nullptr;
    (tail_ == nullptr ? head_ : tail_->next) = item;
    tail_ = item;
    ++size_;
  }
  /// The oldest, or nullptr.
  [[nodiscard]] T* pop() noexcept {
    T* item = head_;
    if (item == nullptr) return nullptr;
    head_ = item->next;
    if (head_ == nullptr) tail_ = nullptr;
    --size_;
    return item;
  }
  /// Moves everything out of `other` behind what is here.
  void take(IntrusiveList& other) noexcept {
    if (other.head_ == nullptr) return;
    (tail_ == nullptr ? head_ : tail_->next) = other.head_;
    tail_ = other.tail_;
    size_ += other.size_;
    other = IntrusiveList();
  }
  [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  T* head_ = nullptr;
  T* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace ferrite::runtime
