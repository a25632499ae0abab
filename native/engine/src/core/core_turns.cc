// Who runs the engine when. A crossing from one thread to another costs as much as a fast device takes for a request, so
// a client that waits for its only operation runs the engine in the reactor's place, which then sleeps on.
#include <sched.h>

#include <algorithm>

#include "core/core.h"

namespace ferrite::engine::internal {
namespace {

/// Of two waits, negative meaning for ever, the shorter one.
int sooner(int one_ms, int other_ms) noexcept {
  return one_ms < 0 || other_ms < 0 ? std::max(one_ms, other_ms) : std::min(one_ms, other_ms);
}

}  // namespace

void Core::run() noexcept {
  const std::lock_guard turn(turns_);
  may_rest_ = true;
  while (step(true)) {
  }
}

bool Core::step(bool may_sleep) {
  if (!work()) return false;
  observer_.forget_time();
  if (!may_sleep) {
    device_->poll();
  } else if (stays_awake()) {
    device_->poll();
    ::sched_yield();  // the kernel's own threads may have to run before the device answers
  } else {
    sleep(may_rest_ && observer_.in_flight() == 0 ? Turns::Asleep::kAside : Turns::Asleep::kWithDevice, -1);
  }
  announce();
  return true;
}

void Core::going_to_sleep(Turns::Asleep where) noexcept {
  wants_writes_.store(group_ == nullptr && !log_busy() && !waiting_place_, std::memory_order_relaxed);
  turns_.going_to_sleep(where);
}

// Until the device or a submitter speaks, there is something to do by the clock, or the limit is reached.
void Core::sleep(Turns::Asleep where, int limit_ms) noexcept {
  going_to_sleep(where);
  const int due_ms = sooner(limit_ms, sooner(seal_wait(), scrub_wait()));
  if (!quiet()) {
    device_->poll();
  } else if (where == Turns::Asleep::kAside) {
    turns_.rest(sooner(due_ms, device_->left_alone_ms()), Clock::now());
  } else {
    device_->park(due_ms);
  }
  turns_.awake();
}

void Core::wake_if_parked() noexcept {
  switch (turns_.claim()) {
    case Turns::Asleep::kNo:
      return;
    case Turns::Asleep::kWithDevice:
      return device_->wake();
    case Turns::Asleep::kAside:
      return turns_.end_rest();
  }
}

// A client that ends its turns (ClientOptions) will run the engine itself if this is all it has in flight.
void Core::wake_for(ClientQueue& client) noexcept {
  if (client.may_wait_for_one() && turns_.resting()) {
    client.owes_wake = true;
    return;
  }
  wake_if_parked();
}

void Core::pay_wake(ClientQueue& client) noexcept {
  if (!client.owes_wake) return;
  client.owes_wake = false;
  const std::lock_guard lock(mutex_);
  if (!finished_) wake_if_parked();
}

// Nothing: the reactor is at work, and will wake the client.
std::optional<bool> Core::await(ClientQueue& client, const Patience& patience) noexcept {
  std::unique_lock turn(turns_, std::try_to_lock);
  if (!turn.owns_lock() || !turns_.free()) return std::nullopt;
  turns_.awake();
  client.owes_wake = false;
  client.hush();
  const std::uint64_t begun_ns = base::monotonic_ns();
  // Looked at twice: what is known without the device is answered in `work`.
  while (client.empty() && work() && client.empty()) {
    observer_.forget_time();
    const std::uint64_t waited_ns = base::monotonic_ns() - begun_ns;
    if (waited_ns < patience.spin_ns) {
      device_->poll();
      ::sched_yield();
    } else {
      const std::uint64_t slept_ns = waited_ns - patience.spin_ns;
      if (slept_ns >= patience.sleep_ns) break;
      const std::uint64_t left_ms = (patience.sleep_ns - slept_ns) / 1'000'000 + 1;
      sleep(Turns::Asleep::kWithDevice, patience.sleep_ns == Patience::kForever ? -1 : static_cast<int>(left_ms));
    }
    announce();
  }
  // As it was: the reactor is aside. What it would have to do, or would come too late for, ends its rest.
  going_to_sleep(Turns::Asleep::kAside);
  const int due_ms = sooner(seal_wait(), scrub_wait());
  const bool late = due_ms >= 0 && Clock::now() + std::chrono::milliseconds(due_ms) < turns_.rests_until();
  if (late || !quiet() || observer_.in_flight() > 0) turns_.end_rest();
  turn.unlock();
  return !client.unhush();
}

}  // namespace ferrite::engine::internal
