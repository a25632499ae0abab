// One client's completions on their way out. Threads: `deliver` and `ring` from the reactor, `drain` and the counters
// from the client's thread, `close` from the client's thread. Shared by client and core.
#pragma once

#include <atomic>
#include <mutex>
#include <span>

#include "engine/engine.h"
#include "runtime/spsc_ring.h"

namespace ferrite::engine::internal {

class ClientQueue {
 public:
  explicit ClientQueue(const ClientOptions& options)
      : options_(options), ring_(options.depth + 2) {}  // two more for news: the engine stopped, damage waits

  /// Counts an operation in; false when the client has `depth` in flight already.
  [[nodiscard]] bool enter() noexcept {
    if (in_flight_ == options_.depth) return false;
    ++in_flight_;
    outstanding_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  /// An operation of the client's own is drained.
  void finish_own() noexcept { leave(); }
  /// Undoes `enter` for an operation that was refused after all.
  void leave() noexcept {
    --in_flight_;
    outstanding_.fetch_sub(1, std::memory_order_relaxed);
  }

  void deliver(Completion&& completion) noexcept {
    if (!is_news(completion.kind)) outstanding_.fetch_sub(1, std::memory_order_release);
    if (closed_.load(std::memory_order_relaxed)) return;
    ring_.push(std::move(completion));
    touched = true;
  }
  /// Reactor only: the client wants to hear of damage and has not been told of any it does not know of yet.
  [[nodiscard]] bool take_damage_slot() noexcept {
    return options_.damage_news && !damage_told_.exchange(true, std::memory_order_acq_rel);
  }
  /// Wakes the client unless it is awake already.
  void ring() noexcept {
    if (notified_.exchange(true, std::memory_order_seq_cst)) return;
    const std::lock_guard lock(wake_mutex_);
    if (!closed_.load(std::memory_order_relaxed) && options_.wake != nullptr) options_.wake(options_.wake_context);
  }

  std::size_t drain(std::span<Completion> out) noexcept {
    std::size_t count = 0;
    while (count < out.size()) {
      if (ring_.pop(out[count])) {
        if (!is_news(out[count].kind)) --in_flight_;
        if (out[count].kind == OpKind::kDamage) damage_told_.store(false, std::memory_order_release);
        ++count;
        continue;
      }
      notified_.store(false, std::memory_order_seq_cst);
      // Something may have come between the look and the store; then either its ring() or this look sees it.
      if (ring_.empty() || notified_.exchange(true, std::memory_order_seq_cst)) break;
    }
    return count;
  }

  /// The client's thread is here: it need not be told of what comes, until `unhush`.
  void hush() noexcept { notified_.store(true, std::memory_order_seq_cst); }
  /// False when something came meanwhile: to be drained, as if it had been announced.
  [[nodiscard]] bool unhush() noexcept {
    if (!ring_.empty()) return false;
    notified_.store(false, std::memory_order_seq_cst);
    return ring_.empty() || notified_.exchange(true, std::memory_order_seq_cst);
  }
  [[nodiscard]] bool empty() const noexcept { return ring_.empty(); }
  /// One operation is in flight, and the client says when it has no more.
  [[nodiscard]] bool may_wait_for_one() const noexcept { return options_.ends_turns && in_flight_ == 1; }
  [[nodiscard]] std::uint32_t in_flight() const noexcept { return in_flight_; }

  /// Nothing was announced that is not drained yet.
  [[nodiscard]] bool quiet() const noexcept { return !notified_.load(std::memory_order_seq_cst); }

  /// No wake call comes after this returns; what is in the ring is dropped with it.
  void close() noexcept {
    const std::lock_guard lock(wake_mutex_);
    closed_.store(true, std::memory_order_relaxed);
  }
  /// Closed, and nothing in the core refers to it any more.
  [[nodiscard]] bool finished() const noexcept {
    return closed_.load(std::memory_order_relaxed) && outstanding_.load(std::memory_order_acquire) == 0;
  }

  /// Reactor only: has completions that `ring` has not announced yet.
  bool touched = false;
  /// The client's: nobody was woken for an operation of its, in the belief that it will run the engine.
  bool owes_wake = false;

 private:
  const ClientOptions options_;
  runtime::SpscRing<Completion> ring_;
  std::atomic<bool> notified_{false};
  std::atomic<bool> closed_{false};
  std::atomic<bool> damage_told_{false};
  std::atomic<std::uint32_t> outstanding_{0};
  std::uint32_t in_flight_ = 0;
  std::mutex wake_mutex_;
};

}  // namespace ferrite::engine::internal
