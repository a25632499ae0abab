// A blocking call on libuv's pool that settles a promise. Thread: `run` on a pool thread, all else on the JS thread.
// Owner: itself; it ends when its promise is settled, or with the environment.
#pragma once

#include <napi.h>

#include <memory>

namespace ferrite::napi {

class AsyncTask {
 public:
  AsyncTask() = default;
  AsyncTask(const AsyncTask&) = delete;
  AsyncTask& operator=(const AsyncTask&) = delete;
  virtual ~AsyncTask() = default;

  /// Starts the task and returns its promise; an empty value with a pending exception if that is impossible.
  [[nodiscard]] static Napi::Value start(Napi::Env env, std::unique_ptr<AsyncTask> task) {
    napi_value promise = nullptr;
    napi_value name = nullptr;
    AsyncTask* raw = task.get();
    if (napi_create_promise(env, &raw->deferred_, &promise) != napi_ok ||
        napi_create_string_utf8(env, "ferrite:task", NAPI_AUTO_LENGTH, &name) != napi_ok ||
        napi_create_async_work(env, nullptr, name, &on_pool, &on_done, raw, &raw->work_) != napi_ok ||
        napi_queue_async_work(env, raw->work_) != napi_ok) {
      Napi::Error::New(env, "cannot start a task").ThrowAsJavaScriptException();
      return {};
    }
    task.release();
    return {env, promise};
  }

 protected:
  /// Pool thread.
  virtual void run() = 0;
  /// JS thread: the value that fulfils the promise. With an exception pending afterwards it is rejected by that.
  virtual Napi::Value finish(Napi::Env env) = 0;

 private:
  static void on_pool(napi_env, void* self) { static_cast<AsyncTask*>(self)->run(); }

  static void on_done(napi_env env, napi_status status, void* self) {
    std::unique_ptr<AsyncTask> task(static_cast<AsyncTask*>(self));
    napi_delete_async_work(env, task->work_);
    // Cancelled means the environment ends: no JavaScript is left to tell.
    if (status != napi_ok) return;
    Napi::HandleScope scope(env);
    const napi_value value = task->finish(env);
    bool threw = false;
    napi_is_exception_pending(env, &threw);
    if (threw) {
      napi_value error = nullptr;
      napi_get_and_clear_last_exception(env, &error);
      napi_reject_deferred(env, task->deferred_, error);
    } else if (value != nullptr) {
      napi_resolve_deferred(env, task->deferred_, value);
    }
  }

  napi_deferred deferred_ = nullptr;
  napi_async_work work_ = nullptr;
};

}  // namespace ferrite::napi
