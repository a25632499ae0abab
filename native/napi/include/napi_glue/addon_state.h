// What one JavaScript environment (the main thread or a worker) knows of its addon: the completion channel and the
// native objects it wakes for. No addon keeps such state in statics: workers of one process share those.
// Thread: the JS thread of the environment, except CompletionChannel::wake. Owner: the environment's instance data.
#pragma once

#include <napi.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "napi_glue/completion_channel.h"

namespace ferrite::napi {

/// A native object whose threads wake the environment.
class Wakeable {
 public:
  virtual ~Wakeable() = default;
  /// JS thread: hands what has completed to JavaScript.
  virtual void drain(napi_env env) = 0;
  /// JS thread: the environment ends. On return no thread wakes it any more. May block for work in flight.
  virtual void tear_down() = 0;

 private:
  friend class AddonState;
  std::atomic<bool> woken_{false};
};

class AddonState {
 public:
  AddonState() = default;
  AddonState(const AddonState&) = delete;
  AddonState& operator=(const AddonState&) = delete;

  /// Makes the state of `env`. Node runs clean-up hooks last in, first out: ours, added after the channel's own, stops
  /// every waking thread before the channel goes.
  [[nodiscard]] static AddonState* install(Napi::Env env) {
    auto* state = new AddonState();
    env.SetInstanceData<AddonState>(state);
    if (!state->channel_.open(env, &on_wake, state)) return nullptr;
    if (napi_add_env_cleanup_hook(env, &on_exit, state) != napi_ok) return nullptr;
    return state;
  }

  [[nodiscard]] static AddonState& of(Napi::Env env) { return *env.GetInstanceData<AddonState>(); }

  [[nodiscard]] CompletionChannel& channel() { return channel_; }

  void add(Wakeable& wakeable) { wakeables_.push_back(&wakeable); }
  void remove(Wakeable& wakeable) { std::erase(wakeables_, &wakeable); }

  /// Any thread: `wakeable` has something to drain.
  void wake(Wakeable& wakeable) noexcept {
    wakeable.woken_.store(true, std::memory_order_release);
    channel_.wake();
  }

  Napi::FunctionReference constructor;

 private:
  static void on_wake(napi_env env, void* self) {
    auto* state = static_cast<AddonState*>(self);
    // By index: a drain may add or remove.
    for (std::size_t at = 0; at < state->wakeables_.size(); ++at) {
      Wakeable& wakeable = *state->wakeables_[at];
      if (wakeable.woken_.exchange(false, std::memory_order_acq_rel)) wakeable.drain(env);
    }
  }

  static void on_exit(void* self) {
    auto* state = static_cast<AddonState*>(self);
    while (!state->wakeables_.empty()) {
      Wakeable* last = state->wakeables_.back();
      state->wakeables_.pop_back();
      last->tear_down();
    }
  }

  CompletionChannel channel_;
  std::vector<Wakeable*> wakeables_;
};

}  // namespace ferrite::napi
