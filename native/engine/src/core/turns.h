// Who runs the engine, one thread at a time: its reactor or, while that rests, a client that waits for an operation.
//
// Threads: the lock, `asleep`, `resting` and `claim` from any; the rest from whoever holds the lock. Owned by the core.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "runtime/wake_event.h"

namespace ferrite::engine::internal {

class Turns {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Where the one who runs the engine sleeps, if it does.
  enum class Asleep : std::uint8_t {
    kNo,
    kWithDevice,
    /// The reactor, away from a device that has nothing to do: the lock is free.
    kAside,
  };

  void lock() { mutex_.lock(); }
  bool try_lock() { return mutex_.try_lock(); }
  void unlock() { mutex_.unlock(); }

  /// To be said before the last look for something to do.
  void going_to_sleep(Asleep where) noexcept { asleep_.store(where, std::memory_order_seq_cst); }
  void awake() noexcept { asleep_.store(Asleep::kNo, std::memory_order_relaxed); }
  [[nodiscard]] bool asleep() const noexcept { return asleep_.load(std::memory_order_seq_cst) != Asleep::kNo; }
  [[nodiscard]] bool resting() const noexcept { return asleep_.load(std::memory_order_seq_cst) == Asleep::kAside; }
  /// Where the sleeper is that nobody else has set out to wake.
  [[nodiscard]] Asleep claim() noexcept {
    return asleep() ? asleep_.exchange(Asleep::kNo, std::memory_order_seq_cst) : Asleep::kNo;
  }

  /// The reactor sleeps without the lock until `end_rest` or the timeout (milliseconds; negative: none).
  void rest(int timeout_ms, Time now) noexcept {
    rests_ = true;
    rests_until_ = timeout_ms < 0 ? Time::max() : now + std::chrono::milliseconds(timeout_ms);
    unlock();
    event_.wait(timeout_ms);
    lock();
    rests_ = false;
  }
  /// Ends the current or the next rest. Any thread.
  void end_rest() noexcept { event_.signal(); }

  /// A client may run the engine: the reactor is at rest, or on its way back and waits for the lock.
  [[nodiscard]] bool free() const noexcept { return rests_; }
  [[nodiscard]] Time rests_until() const noexcept { return rests_until_; }

 private:
  std::mutex mutex_;
  runtime::WakeEvent event_;
  std::atomic<Asleep> asleep_{Asleep::kNo};
  bool rests_ = false;
  Time rests_until_{};
};

}  // namespace ferrite::engine::internal
