#include "runtime/wake_event.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/check.h"

namespace ferrite::runtime {

WakeEvent::WakeEvent() noexcept : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { FERRITE_CHECK(fd_ >= 0); }

WakeEvent::~WakeEvent() { ::close(fd_); }

void WakeEvent::signal() noexcept {
  const std::uint64_t one = 1;
  // EAGAIN means the counter is full: the sleeper has been woken already.
  while (::write(fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void WakeEvent::wait(int timeout_ms) noexcept {
  pollfd waited{fd_, POLLIN, 0};
  if (::poll(&waited, 1, timeout_ms) > 0) clear();
}

void WakeEvent::clear() noexcept {
  std::uint64_t count = 0;
  while (::read(fd_, &count, sizeof count) < 0 && errno == EINTR) {
  }
}

}  // namespace ferrite::runtime
