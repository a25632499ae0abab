// The addon's door: what `src/binding.ts` loads. Thread: the JS thread.
#include <napi.h>

#include <memory>
#include <optional>
#include <utility>

#include "engine/engine.h"
#include "engine_handle.h"
#include "napi_glue/addon_state.h"
#include "napi_glue/args.h"
#include "napi_glue/async_task.h"
#include "napi_glue/error_bridge.h"

namespace ferrite::addon {
namespace {

class OpenTask final : public napi::AsyncTask {
 public:
  explicit OpenTask(engine::OpenOptions options) : options_(std::move(options)) {}

 private:
  void run() override { opened_.emplace(engine::Engine::open(options_)); }

  Napi::Value finish(Napi::Env env) override {
    if (!opened_->ok()) {
      napi::throw_status(env, opened_->status());
      return {};
    }
    return EngineHandle::create(env, std::move(*opened_).value());
  }

  engine::OpenOptions options_;
  std::optional<base::Result<std::unique_ptr<engine::Engine>>> opened_;
};

/// (device, sizeBytes, driver 0 auto | 1 uring | 2 pool, create, segmentBytes, partitionBits, checkpointRecords,
/// pollMicros) -> Promise<EngineHandle>
Napi::Value open_engine(const Napi::CallbackInfo& info) {
  napi::Args args(info);
  engine::OpenOptions options;
  options.device = args.string();
  options.size_bytes = args.integer();
  options.driver = static_cast<engine::Driver>(args.u32());
  options.create_if_missing = args.boolean();
  options.segment_bytes = args.u32();
  options.partition_bits = args.u32();
  options.checkpoint_records = args.integer();
  options.poll_micros = args.u32();
  if (!args.ok()) return {};
  return napi::AsyncTask::start(info.Env(), std::make_unique<OpenTask>(std::move(options)));
}

/// () -> {available, why, mend}
Napi::Value probe_uring(const Napi::CallbackInfo& info) {
  const engine::UringSupport support = engine::probe_uring();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("available", support.available);
  result.Set("why", support.reason);
  result.Set("mend", support.mend);
  return result;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  napi::AddonState* state = napi::AddonState::install(env);
  if (state == nullptr) {
    Napi::Error::New(env, "the environment is ending").ThrowAsJavaScriptException();
    return exports;
  }
  state->constructor = Napi::Persistent(EngineHandle::define(env));
  exports.Set("openEngine", Napi::Function::New(env, open_engine));
  exports.Set("probeUring", Napi::Function::New(env, probe_uring));
  return exports;
}

NODE_API_MODULE(ferrite_spdk_engine, init)

}  // namespace
}  // namespace ferrite::addon
