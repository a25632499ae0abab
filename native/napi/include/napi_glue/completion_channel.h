// One way from engine threads to the JS thread of one environment: many wakes, one thread-safe function.
// Threads: wake() from any thread, everything else on the JS thread.
// Owner: the environment's AddonState; it must outlive every thread that may call wake().
#pragma once

#include <node_api.h>

#include <atomic>

namespace ferrite::napi {

class CompletionChannel {
 public:
  /// Called on the JS thread, inside a callback scope, once for any number of wakes since the last call.
  using Drain = void (*)(napi_env env, void* context);

  CompletionChannel() = default;
  CompletionChannel(const CompletionChannel&) = delete;
  CompletionChannel& operator=(const CompletionChannel&) = delete;

  /// The channel starts unreferenced: it does not keep the process alive by itself.
  [[nodiscard]] bool open(napi_env env, Drain drain, void* context) {
    drain_ = drain;
    context_ = context;
    napi_value name = nullptr;
    return napi_create_string_utf8(env, "ferrite:completions", NAPI_AUTO_LENGTH, &name) == napi_ok &&
           napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, &on_js_thread,
                                           &function_) == napi_ok &&
           napi_unref_threadsafe_function(env, function_) == napi_ok;
  }

  /// Asks for a drain. A call while one is already asked for costs one atomic exchange and no lock.
  void wake() noexcept {
    if (!asked_.exchange(true, std::memory_order_acq_rel)) {
      napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
    }
  }

  /// While anything is held, the process stays alive to hear of its completion.
  void hold(napi_env env) {
    if (held_++ == 0) napi_ref_threadsafe_function(env, function_);
  }

  void release(napi_env env) {
    if (--held_ == 0) napi_unref_threadsafe_function(env, function_);
  }

 private:
  static void on_js_thread(napi_env env, napi_value, void* self, void*) {
    auto* channel = static_cast<CompletionChannel*>(self);
    // Cleared before the drain, so that a wake during it asks for another one; by an exchange, not a store, so that the
    // drain sees everything published before the wakes it stands for.
    channel->asked_.exchange(false, std::memory_order_acq_rel);
    if (env != nullptr) channel->drain_(env, channel->context_);
  }

  napi_threadsafe_function function_ = nullptr;
  Drain drain_ = nullptr;
  void* context_ = nullptr;
  std::atomic<bool> asked_{false};
  int held_ = 0;
};

}  // namespace ferrite::napi
