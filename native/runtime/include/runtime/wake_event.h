// Something one thread sleeps on and others wake it by (eventfd). Threads: `signal` from any; the rest from the sleeper.
// Owns its file descriptor.
#pragma once

namespace ferrite::runtime {

class WakeEvent {
 public:
  WakeEvent() noexcept;
  ~WakeEvent();
  WakeEvent(const WakeEvent&) = delete;
  WakeEvent& operator=(const WakeEvent&) = delete;

  /// Wakes the sleeper now, or its next sleep at once.
  void signal() noexcept;
  /// Sleeps until a signal or the timeout (milliseconds; negative: none) and consumes the signals.
  void wait(int timeout_ms) noexcept;
  /// Consumes the signals without sleeping.
  void clear() noexcept;

  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

}  // namespace ferrite::runtime
