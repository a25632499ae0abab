#include "device/pool_device.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace ferrite::engine {
namespace {

int transfer(int fd, IoRequest& request) noexcept {
  if (request.kind != IoKind::kFlush) {
    while (request.progress < request.length) {
      std::uint8_t* place = request.buffer + request.progress;
      const std::size_t left = request.length - request.progress;
      const auto offset = static_cast<off_t>(request.offset + request.progress);
      const ssize_t moved =
          request.kind == IoKind::kRead ? ::pread(fd, place, left, offset) : ::pwrite(fd, place, left, offset);
      if (moved < 0 && errno == EINTR) continue;
      if (moved < 0) return errno;
      if (moved == 0) return EIO;
      request.progress += static_cast<std::uint32_t>(moved);
    }
  }
  if (request.kind == IoKind::kFlush || request.kind == IoKind::kWriteDurable) {
    return ::fdatasync(fd) == 0 ? 0 : errno;
  }
  return 0;
}

}  // namespace

PoolDevice::PoolDevice(ImageFile image) : image_(std::move(image)) {
  for (unsigned i = 0; i < kThreads; ++i) threads_.emplace_back([this] { work(); });
}

PoolDevice::~PoolDevice() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  waiting_work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void PoolDevice::submit(IoRequest& request) noexcept {
  request.progress = 0;
  {
    const std::lock_guard lock(mutex_);
    todo_.push(&request);
  }
  waiting_work_.notify_one();
}

void PoolDevice::poll() noexcept {
  runtime::IntrusiveList<IoRequest> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.take(finished_);
  }
  while (IoRequest* request = batch.pop()) request->done(*request);
}

void PoolDevice::park(int timeout_ms) noexcept {
  event_.wait(timeout_ms);
  poll();
}

void PoolDevice::work() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    waiting_work_.wait(lock, [this] { return stopping_ || !todo_.empty(); });
    IoRequest* request = todo_.pop();
    if (request == nullptr) return;
    lock.unlock();
    request->error = transfer(image_.fd(), *request);
    lock.lock();
    const bool first = finished_.empty();
    finished_.push(request);
    if (first) event_.signal();
  }
}

}  // namespace ferrite::engine
