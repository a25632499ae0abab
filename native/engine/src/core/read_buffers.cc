#include "core/read_buffers.h"

#include <utility>

#include "base/check.h"

namespace ferrite::engine::internal {

void ReadBuffer::operator delete(ReadBuffer* self, std::destroying_delete_t) noexcept {
  const std::shared_ptr<ReadBufferPool> pool = std::move(self->pool_);
  if (pool != nullptr) {
    pool->give_back(self);
  } else {
    self->~ReadBuffer();
    ::operator delete(self);
  }
}

ReadBufferPool::~ReadBufferPool() {
  for (std::vector<ReadBuffer*>& idle : idle_) {
    for (ReadBuffer* buffer : idle) delete buffer;
  }
}

std::unique_ptr<ReadBuffer> ReadBufferPool::acquire(std::uint64_t bytes) {
  unsigned size_class = 0;
  while ((kSmallest << size_class) < bytes) ++size_class;
  FERRITE_CHECK(size_class < kClasses);
  const std::uint64_t size = kSmallest << size_class;
  std::unique_ptr<ReadBuffer> buffer;
  {
    const std::lock_guard lock(mutex_);
    if (leased_bytes_ > 0 && leased_bytes_ + size > budget_bytes_) {
      refused_ = true;
      return nullptr;
    }
    leased_bytes_ += size;
    if (!idle_[size_class].empty()) {
      buffer.reset(idle_[size_class].back());
      idle_[size_class].pop_back();
      idle_bytes_ -= size;
    }
  }
  if (buffer == nullptr) {
    buffer = std::make_unique<ReadBuffer>();
    buffer->memory = base::AlignedBuffer(size);
    buffer->size_class_ = size_class;
  }
  buffer->pool_ = shared_from_this();
  return buffer;
}

void ReadBufferPool::give_back(ReadBuffer* buffer) noexcept {
  const std::uint64_t size = kSmallest << buffer->size_class_;
  buffer->offsets.clear();
  bool keep = false;
  {
    const std::lock_guard lock(mutex_);
    leased_bytes_ -= size;
    // Large buffers are cheap against the I/O that fills them; small ones are kept for the next read.
    keep = idle_bytes_ + size <= budget_bytes_ / 4;
    if (keep) {
      idle_[buffer->size_class_].push_back(buffer);
      idle_bytes_ += size;
    }
    if (std::exchange(refused_, false) && wake_ != nullptr) wake_(context_);
  }
  if (!keep) delete buffer;
}

void ReadBufferPool::detach() noexcept {
  const std::lock_guard lock(mutex_);
  wake_ = nullptr;
}

}  // namespace ferrite::engine::internal
