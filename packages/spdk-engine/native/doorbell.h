// Wakes a JavaScript thread that waits for the engine outside its event loop.
// Threads: `ring` from any, the rest from the waiter. Owner: EngineHandle.
#pragma once

#include <poll.h>
#include <sched.h>

#include <atomic>

#include "base/monotonic_clock.h"
#include "engine/patience.h"
#include "runtime/wake_event.h"

namespace ferrite::addon {

class Doorbell {
 public:
  /// From now on `ring` is for the waiter. What was there before is to be looked for after this.
  void listen() noexcept { listening_.store(true, std::memory_order_seq_cst); }

  /// False when nobody listens: the waiter is in its event loop, to be woken there.
  [[nodiscard]] bool ring() noexcept {
    if (!listening_.load(std::memory_order_seq_cst) || !listening_.exchange(false, std::memory_order_seq_cst)) {
      return false;
    }
    event_.signal();
    return true;
  }

  /// Ends listening. True if it rang in time; earlier than that when the event loop behind `loop_fd` has something to do.
  [[nodiscard]] bool wait(const engine::Patience& patience, int loop_fd) noexcept {
    const std::uint64_t begin = base::monotonic_ns();
    const auto listening = [this] { return listening_.load(std::memory_order_acquire); };
    while (listening() && base::monotonic_ns() - begin < patience.spin_ns) {
      ::sched_yield();  // the engine and the kernel's own threads may need this processor
    }
    pollfd fds[2] = {{event_.fd(), POLLIN, 0}, {loop_fd, POLLIN, 0}};
    const std::uint64_t limit_ns = patience.spin_ns + patience.sleep_ns;
    for (std::uint64_t gone = 0; listening() && fds[1].revents == 0 && gone < limit_ns;
         gone = base::monotonic_ns() - begin) {
      ::poll(fds, 2, static_cast<int>((limit_ns - gone) / 1'000'000) + 1);
      if (fds[0].revents != 0) event_.clear();
    }
    return !listening_.exchange(false, std::memory_order_seq_cst);
  }

 private:
  runtime::WakeEvent event_;
  std::atomic<bool> listening_{false};
};

}  // namespace ferrite::addon
