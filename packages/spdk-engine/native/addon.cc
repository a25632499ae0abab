// The addon's door: what `src/binding.ts` loads. Thread: the JS thread.
#include <napi.h>

#include <csignal>
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
/// pollMicros, allowVolatile, spdkConfig, spdkMemoryMiB, spdkNoHuge 0 no | 1 yes | 2 as the system has it, spdkTimeoutMs, expire)
/// -> Promise<EngineHandle>
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
  options.allow_volatile = args.boolean();
  options.spdk.config = args.string();
  options.spdk.memory_mib = args.u32();
  if (const std::uint32_t no_huge = args.u32(); no_huge < 2) options.spdk.no_huge = no_huge == 1;
  options.spdk.timeout_ms = args.u32();
  options.expire = args.boolean();
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

/// () -> {available, version}
Napi::Value probe_spdk(const Napi::CallbackInfo& info) {
  const engine::SpdkSupport support = engine::probe_spdk();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("available", support.available);
  result.Set("version", support.version);
  return result;
}

/// (load: () => value) -> value: SPDK's libraries take SIGBUS for themselves when they are loaded; whatever handled it
/// before does so again afterwards.
Napi::Value keep_sigbus(const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) {
    Napi::TypeError::New(info.Env(), "a function is expected").ThrowAsJavaScriptException();
    return {};
  }
  struct sigaction before {};
  ::sigaction(SIGBUS, nullptr, &before);
  const Napi::Value loaded = info[0].As<Napi::Function>().Call({});
  ::sigaction(SIGBUS, &before, nullptr);
  return loaded;
}

/// (bytes, crc so far) -> CRC32C
Napi::Value crc32c(const Napi::CallbackInfo& info) {
  napi::Args args(info);
  const base::Bytes bytes = args.bytes();
  const std::uint32_t crc = args.u32();
  if (!args.ok()) return {};
  return Napi::Number::New(info.Env(), engine::checksum_of(bytes, crc));
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  napi::AddonState* state = napi::AddonState::install(env);
  if (state == nullptr) {
    Napi::Error::New(env, "the environment is ending").ThrowAsJavaScriptException();
    return exports;
  }
  state->constructor = Napi::Persistent(EngineHandle::define(env));
  exports.Set("openEngine", Napi::Function::New(env, open_engine));
  exports.Set("crc32c", Napi::Function::New(env, crc32c));
  exports.Set("probeUring", Napi::Function::New(env, probe_uring));
  exports.Set("probeSpdk", Napi::Function::New(env, probe_spdk));
  exports.Set("keepSigbus", Napi::Function::New(env, keep_sigbus));
  return exports;
}

NODE_API_MODULE(ferrite_spdk_engine, init)

}  // namespace
}  // namespace ferrite::addon
