// Watches one file descriptor in the event loop of a JavaScript environment, and keeps that loop awake on demand.
// Thread: the JS thread. Owner: whoever started it; the libuv handles live until the loop has closed them.
#pragma once

#include <node_api.h>

#include <cstdint>

namespace ferrite::addon {

class LoopWatch {
 public:
  /// Called on the JS thread, in a callback scope of its own: promises settled inside react when it returns. True: to be
  /// called again at once.
  using Ready = bool (*)(napi_env env, void* context);

  /// False when this build or this environment has no loop to watch in.
  [[nodiscard]] static bool possible(napi_env env);

  LoopWatch() = default;
  LoopWatch(const LoopWatch&) = delete;
  LoopWatch& operator=(const LoopWatch&) = delete;
  ~LoopWatch() { stop(); }

  /// The watch starts unreferenced: it does not keep the process alive by itself.
  [[nodiscard]] bool start(napi_env env, int fd, Ready ready, void* context);
  /// No call comes after this returns.
  void stop();

  /// While held, the watch keeps the process alive.
  void hold();
  void release();
  /// Nothing but what is watched here is ready or due.
  [[nodiscard]] bool loop_is_idle() const;
  /// Polls as readable when something is ready in the loop; timers are not.
  [[nodiscard]] int loop_fd() const;
  /// From now on the loop does not sleep for so long: what becomes ready is noticed without a wake-up.
  void stay_awake(std::uint64_t nanoseconds);

 private:
  struct Handles;
  Handles* handles_ = nullptr;
};

}  // namespace ferrite::addon
