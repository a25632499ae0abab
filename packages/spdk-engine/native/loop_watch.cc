#include "loop_watch.h"

#include <poll.h>
#include <sched.h>

#if FERRITE_UV
#include <uv.h>
#endif

namespace ferrite::addon {

#if FERRITE_UV

// Closed by the loop, a turn after they were stopped: an environment that ends waits for that.
struct LoopWatch::Handles {
  napi_env env = nullptr;
  uv_poll_t poll{};
  uv_idle_t idle{};
  napi_async_context context = nullptr;
  napi_async_cleanup_hook_handle cleanup = nullptr;
  Ready ready = nullptr;
  void* owner = nullptr;
  std::uint64_t awake_until = 0;
  int open = 0;
  bool stopped = false;

  bool call() {
    bool again = false;
    napi_env env_now = env;
    napi_handle_scope handle_scope = nullptr;
    if (napi_open_handle_scope(env_now, &handle_scope) != napi_ok) return false;
    napi_value resource = nullptr;
    napi_create_object(env_now, &resource);
    napi_callback_scope scope = nullptr;
    if (napi_open_callback_scope(env_now, resource, context, &scope) == napi_ok) {
      again = ready(env_now, owner);
      napi_close_callback_scope(env_now, scope);
    }
    napi_close_handle_scope(env_now, handle_scope);
    return again;
  }

  static void turn(uv_idle_t* idle) {
    if (uv_hrtime() >= static_cast<Handles*>(idle->data)->awake_until) uv_idle_stop(idle);
    // What the device's answer is waiting for may need this processor.
    sched_yield();
  }

  void close() {
    if (stopped) return;
    stopped = true;
    owner = nullptr;
    const auto closed = [](uv_handle_t* handle) {
      auto* self = static_cast<Handles*>(handle->data);
      if (--self->open > 0) return;
      if (self->cleanup != nullptr) napi_remove_async_cleanup_hook(self->cleanup);
      delete self;
    };
    uv_close(reinterpret_cast<uv_handle_t*>(&poll), closed);
    uv_close(reinterpret_cast<uv_handle_t*>(&idle), closed);
  }
};

bool LoopWatch::possible(napi_env env) {
  uv_loop_t* loop = nullptr;
  return napi_get_uv_event_loop(env, &loop) == napi_ok && loop != nullptr;
}

bool LoopWatch::start(napi_env env, int fd, Ready ready, void* context) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return false;
  auto* handles = new Handles;
  handles->env = env;
  handles->ready = ready;
  handles->owner = context;
  if (uv_poll_init(loop, &handles->poll, fd) != 0) {
    delete handles;
    return false;
  }
  uv_idle_init(loop, &handles->idle);
  handles->poll.data = handles;
  handles->idle.data = handles;
  handles->open = 2;
  uv_unref(reinterpret_cast<uv_handle_t*>(&handles->poll));
  uv_unref(reinterpret_cast<uv_handle_t*>(&handles->idle));
  napi_value name = nullptr;
  napi_create_string_utf8(env, "ferrite:reads", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, nullptr, name, &handles->context);
  napi_add_async_cleanup_hook(
      env, [](napi_async_cleanup_hook_handle, void* self) { static_cast<Handles*>(self)->close(); }, handles,
      &handles->cleanup);
  uv_poll_start(&handles->poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
    auto* self = static_cast<Handles*>(poll->data);
    while (!self->stopped && self->call()) {
    }
  });
  handles_ = handles;
  return true;
}

void LoopWatch::stop() {
  if (handles_ == nullptr) return;
  if (handles_->context != nullptr) napi_async_destroy(handles_->env, handles_->context);
  handles_->close();
  handles_ = nullptr;
}

void LoopWatch::hold() { uv_ref(reinterpret_cast<uv_handle_t*>(&handles_->poll)); }
void LoopWatch::release() { uv_unref(reinterpret_cast<uv_handle_t*>(&handles_->poll)); }

bool LoopWatch::loop_is_idle() const {
  uv_loop_t* loop = handles_->poll.loop;
  uv_idle_t* own = &handles_->idle;
  const bool awake = uv_is_active(reinterpret_cast<uv_handle_t*>(own)) != 0;
  if (awake) uv_idle_stop(own);
  uv_update_time(loop);
  const bool due = uv_backend_timeout(loop) == 0;
  if (awake) uv_idle_start(own, &Handles::turn);
  pollfd asked{uv_backend_fd(loop), POLLIN, 0};
  return !due && ::poll(&asked, 1, 0) == 0;
}

int LoopWatch::loop_fd() const { return uv_backend_fd(handles_->poll.loop); }

void LoopWatch::stay_awake(std::uint64_t nanoseconds) {
  handles_->awake_until = uv_hrtime() + nanoseconds;
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(&handles_->idle))) return;
  // An idle handle makes the loop poll without sleeping; unreferenced, it does not keep the process alive.
  uv_idle_start(&handles_->idle, &Handles::turn);
}

#else

struct LoopWatch::Handles {};
bool LoopWatch::possible(napi_env) { return false; }
bool LoopWatch::start(napi_env, int, Ready, void*) { return false; }
void LoopWatch::stop() {}
void LoopWatch::hold() {}
void LoopWatch::release() {}
bool LoopWatch::loop_is_idle() const { return false; }
int LoopWatch::loop_fd() const { return -1; }
void LoopWatch::stay_awake(std::uint64_t) {}

#endif

}  // namespace ferrite::addon
