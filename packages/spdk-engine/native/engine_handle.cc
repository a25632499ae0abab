#include "engine_handle.h"

#include <utility>

#include "batch_writes.h"
#include "base/monotonic_clock.h"
#include "napi_glue/args.h"
#include "napi_glue/async_task.h"
#include "napi_glue/error_bridge.h"
#include "reports.h"

namespace ferrite::addon {
namespace {

/// Operations in flight, at most: enough for a node's whole load at the device's speed; beyond it callers hear
/// OVERLOADED.
constexpr std::uint32_t kDepth = 8192;

/// For a single read the thread sleeps with the device instead of with the event loop, this long at most. A timer beyond
/// the kernel's next tick is free; a shorter one costs a guest of a hypervisor as much as a quarter of a read.
constexpr std::uint64_t kSleepNs = 10'000'000;

/// A read that was waited for longer than this makes waiting rarer.
constexpr std::uint64_t kSlowNs = 500'000;

/// For a single write a thread that polls goes on as long as a slow flush takes.
constexpr std::uint64_t kSpinNs = 1'000'000;

/// Reads handed to JavaScript before it may react: what it asks for then is with the device while the rest is handed
/// over. More together would leave the device idle meanwhile, fewer would pay for more calls.
constexpr std::size_t kReadsTogether = 4;

}  // namespace

/// Closes on the pool, since closing waits for the device.
class EngineHandle::CloseTask final : public napi::AsyncTask {
 public:
  explicit CloseTask(EngineHandle& handle) : handle_(handle), engine_(handle.engine_) { handle_.hold(); }

 private:
  void run() override { status_ = engine_->close(); }

  Napi::Value finish(Napi::Env env) override {
    // Every completion is queued by now; their promises settle before the one of close.
    if (handle_.client_ != nullptr) handle_.client_->settle_reads();
    handle_.drain(env);
    handle_.let_go();
    handle_.release();
    if (!status_.ok()) napi::throw_status(env, status_);
    return env.Undefined();
  }

  EngineHandle& handle_;
  std::shared_ptr<engine::Engine> engine_;
  base::Status status_;
};

Napi::Function EngineHandle::define(Napi::Env env) {
  return DefineClass(env, "EngineHandle",
                     {
                         InstanceMethod<&EngineHandle::start>("start"),
                         InstanceMethod<&EngineHandle::append>("append"),
                         InstanceMethod<&EngineHandle::remove>("remove"),
                         InstanceMethod<&EngineHandle::dropPartition>("dropPartition"),
                         InstanceMethod<&EngineHandle::batch>("batch"),
                         InstanceMethod<&EngineHandle::get>("get"),
                         InstanceMethod<&EngineHandle::endTurn>("endTurn"),
                         InstanceMethod<&EngineHandle::scan>("scan"),
                         InstanceMethod<&EngineHandle::walk>("walk"),
                         InstanceMethod<&EngineHandle::flush>("flush"),
                         InstanceMethod<&EngineHandle::scrub>("scrub"),
                         InstanceMethod<&EngineHandle::stopScrub>("stopScrub"),
                         InstanceMethod<&EngineHandle::scrubProgress>("scrubProgress"),
                         InstanceMethod<&EngineHandle::takeDamage>("takeDamage"),
                         InstanceMethod<&EngineHandle::close>("close"),
                         InstanceMethod<&EngineHandle::report>("report"),
                         InstanceMethod<&EngineHandle::stats>("stats"),
                         InstanceMethod<&EngineHandle::latency>("latency"),
                     });
}

Napi::Value EngineHandle::create(Napi::Env env, std::unique_ptr<engine::Engine> engine) {
  const Napi::Value argument = Napi::External<std::unique_ptr<engine::Engine>>::New(env, &engine);
  return napi::AddonState::of(env).constructor.New({argument});
}

EngineHandle::EngineHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EngineHandle>(info) {
  if (info.Length() != 1 || !info[0].IsExternal()) {
    Napi::TypeError::New(info.Env(), "an EngineHandle comes from openEngine").ThrowAsJavaScriptException();
    return;
  }
  engine_ = std::move(*info[0].As<Napi::External<std::unique_ptr<engine::Engine>>>().Data());
  state_ = &napi::AddonState::of(info.Env());
  state_->add(*this);
  engine::ClientOptions options;
  options.depth = kDepth;
  options.wake = &on_completions;
  options.wake_context = this;
  options.damage_news = true;
  options.own_reads = LoopWatch::possible(info.Env());
  options.ends_turns = true;
  bell_.emplace();
  auto client = engine_->open_client(options);
  if (client.ok()) {
    client_ = std::move(client).value();
    poll_ns_ = std::uint64_t{engine_->poll_micros()} * 1000;
    const auto ready = [](napi_env env, void* self) {
      auto* handle = static_cast<EngineHandle*>(self);
      return handle->drain_some(env, std::span(handle->completions_).first(kReadsTogether));
    };
    watching_ = client_->read_fd() >= 0 && watch_.start(info.Env(), client_->read_fd(), ready, this);
  } else {
    napi::throw_status(info.Env(), client.status());
  }
}

EngineHandle::~EngineHandle() { let_go(); }

Napi::Value EngineHandle::start(const Napi::CallbackInfo& info) {
  if (info.Length() != 2 || !info[0].IsTypedArray() || !info[1].IsFunction() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array ||
      !rows_.use(info[0].As<Napi::Float64Array>(), info[1].As<Napi::Function>())) {
    Napi::TypeError::New(info.Env(), "start(rows, onBatch)").ThrowAsJavaScriptException();
    return {};
  }
  // An edge the garbage collector sees, unlike a reference of ours: handle and engine object may die together.
  info.This().As<Napi::Object>().Set("onBatch", info[1]);
  return {};
}

Napi::Value EngineHandle::append(const Napi::CallbackInfo& info) {
  napi::Args args(info);
  const std::uint64_t ticket = args.u32();
  engine::PutRequest request;
  request.keyspace = args.u32();
  request.generation = args.u32();
  request.expires_at_ms = args.integer();
  request.key = args.bytes();
  request.value = args.bytes();
  if (!args.ok() || !enter(info.Env())) return {};
  return accepted(info.Env(), client_->append(request, ticket));
}

Napi::Value EngineHandle::remove(const Napi::CallbackInfo& info) {
  napi::Args args(info);
  const std::uint64_t ticket = args.u32();
  const std::uint32_t keyspace = args.u32();
  const base::Bytes key = args.bytes();
  if (!args.ok() || !enter(info.Env())) return {};
  return accepted(info.Env(), client_->remove(keyspace, key, ticket));
}

Napi::Value EngineHandle::dropPartition(const Napi::CallbackInfo& info) {
  napi::Args args(info);
  const std::uint64_t ticket = args.u32();
  const std::uint32_t keyspace = args.u32();
  const std::uint32_t partition = args.u32();
  if (!args.ok() || !enter(info.Env())) return {};
  return accepted(info.Env(), client_->drop_partition(keyspace, partition, ticket));
}

Napi::Value EngineHandle::batch(const Napi::CallbackInfo& info) {
  napi::Args args(info);
  const std::uint64_t ticket = args.u32();
  const std::span<const double> numbers = args.doubles();
  const base::Bytes bytes = args.bytes();
  std::vector<engine::BatchWrite> writes;
  if (!args.ok() || !enter(info.Env())) return {};
  if (!unpack_batch(numbers, bytes, writes)) {
    Napi::TypeError::New(info.Env(), "the numbers of the batch and its bytes do not fit together").ThrowAsJavaScriptException();
    return {};
  }
  return accepted(info.Env(), client_->batch(writes, ticket));
}

Napi::Value EngineHandle::get(const Napi::CallbackInfo& info) {
  napi::Args args(info);
  const std::uint64_t ticket = args.u32();
  const std::uint32_t keyspace = args.u32();
  const base::Bytes key = args.bytes();
  const bool at_once = args.boolean();
  if (!args.ok() || !enter(info.Env())) return {};
  const bool may_hold = !at_once || client_->may_hold(keyspace, key);
  if (may_hold) accepted(info.Env(), client_->get(keyspace, key, ticket));
  return Napi::Boolean::New(info.Env(), may_hold);
}

// The gets of one turn of JavaScript go to the device together. A single operation is waited for here as long as nobody
// else wants this thread: a turn of the event loop costs a good part of what the device takes.
Napi::Value EngineHandle::endTurn(const Napi::CallbackInfo& info) {
  if (client_ == nullptr) return {};
  const bool allowed = info.Length() == 1 && info[0].IsBoolean() && info[0].As<Napi::Boolean>();
  const bool may_wait = allowed && watching_ && in_flight_ == 1 && waits_.next() && (!waits_.look() || watch_.loop_is_idle());
  const std::uint64_t begun_ns = may_wait ? base::monotonic_ns() : 0;
  const std::optional<bool> ended = client_->end_turn(may_wait ? patience() : engine::Patience{});
  const bool done = may_wait && !ended.has_value() ? wait_for_reactor() : ended.value_or(false);
  // Only the wait for the reactor hears of what happens in the loop: on a slow device the others are the exception.
  if (may_wait) waits_.ended(done && (!ended.has_value() || base::monotonic_ns() - begun_ns < kSlowNs));
  if (done && may_wait) {
    drain(info.Env());
  } else if (done) {
    state_->wake(*this);  // what is known at once must not keep the loop from its turn
  }
  return {};
}

engine::Patience EngineHandle::patience() const noexcept {
  if (client_->own_reads_in_flight() > 0) return {poll_ns_, kSleepNs};
  return {poll_ns_ > 0 ? kSpinNs : 0, kSleepNs};
}

bool EngineHandle::wait_for_reactor() {
  bell_->listen();
  const bool early = !client_->quiet();
  return bell_->wait(early ? engine::Patience{} : patience(), watch_.loop_fd()) || early;
}

Napi::Value EngineHandle::scan(const Napi::CallbackInfo& info) {
  napi::Args args(info);
  const std::uint64_t ticket = args.u32();
  engine::ScanRequest request;
  request.keyspace = args.u32();
  request.partition = args.u32();
  request.max_records = args.u32();
  request.max_bytes = args.u32();
  request.values = args.boolean();
  request.after_hash = args.u64_bigint();
  request.after_key = args.bytes();
  if (args.ok() && enter(info.Env())) accepted(info.Env(), client_->scan(request, ticket));
  return {};
}

Napi::Value EngineHandle::walk(const Napi::CallbackInfo& info) {
  napi::Args args(info);
  const std::uint64_t ticket = args.u32();
  engine::WalkRequest request;
  request.step = static_cast<engine::WalkStep>(args.u32());
  request.from.keyspace = args.u32();
  request.from.hash = args.u64_bigint();
  request.to.keyspace = args.u32();
  request.to.hash = args.u64_bigint();
  request.since = args.integer();
  request.max_records = args.u32();
  request.max_bytes = args.u32();
  request.values = args.boolean();
  if (args.ok() && enter(info.Env())) accepted(info.Env(), client_->walk(request, ticket));
  return {};
}

Napi::Value EngineHandle::flush(const Napi::CallbackInfo& info) {
  napi::Args args(info);
  const std::uint64_t ticket = args.u32();
  if (args.ok() && enter(info.Env())) accepted(info.Env(), client_->flush(ticket));
  return {};
}

Napi::Value EngineHandle::scrub(const Napi::CallbackInfo& info) {
  napi::Args args(info);
  const std::uint64_t ticket = args.u32();
  const std::uint64_t bytes_per_second = args.integer();
  if (args.ok() && enter(info.Env())) accepted(info.Env(), client_->scrub(bytes_per_second, ticket));
  return {};
}

Napi::Value EngineHandle::stopScrub(const Napi::CallbackInfo&) {
  if (engine_ != nullptr) engine_->stop_scrub();
  return {};
}

Napi::Value EngineHandle::scrubProgress(const Napi::CallbackInfo& info) {
  if (!enter(info.Env())) return {};
  return progress_to_js(info.Env(), engine_->scrub_progress());
}

Napi::Value EngineHandle::takeDamage(const Napi::CallbackInfo& info) {
  if (!enter(info.Env())) return {};
  return damage_to_js(info.Env(), engine_->take_damage());
}

Napi::Value EngineHandle::close(const Napi::CallbackInfo& info) {
  if (!enter(info.Env())) return {};
  return napi::AsyncTask::start(info.Env(), std::make_unique<CloseTask>(*this));
}

Napi::Value EngineHandle::report(const Napi::CallbackInfo& info) {
  if (!enter(info.Env())) return {};
  return report_to_js(info.Env(), *engine_);
}

Napi::Value EngineHandle::stats(const Napi::CallbackInfo& info) {
  if (!enter(info.Env())) return {};
  return stats_to_js(info.Env(), engine_->stats());
}

Napi::Value EngineHandle::latency(const Napi::CallbackInfo& info) {
  if (!enter(info.Env())) return {};
  return latency_to_js(info.Env(), engine_->latency());
}

void EngineHandle::on_completions(void* self) noexcept {
  auto* handle = static_cast<EngineHandle*>(self);
  if (!handle->bell_->ring()) handle->state_->wake(*handle);
}

void EngineHandle::drain(napi_env env) {
  while (drain_some(env, completions_)) {
  }
}

bool EngineHandle::drain_some(napi_env env, std::span<engine::Completion> room) {
  if (!rows_.ready() || client_ == nullptr) return false;
  const std::size_t count = client_->drain(room);
  if (count > 0) {
    const Napi::HandleScope scope(env);
    const std::span<engine::Completion> drained = room.first(count);
    rows_.deliver(env, drained);
    for (engine::Completion& completion : drained) {
      completion.records = {};
      if (!engine::is_news(completion.kind)) release();
    }
  }
  return count == room.size();
}

void EngineHandle::tear_down() {
  let_go();
  state_ = nullptr;
}

bool EngineHandle::enter(Napi::Env env) {
  if (client_ != nullptr) return true;
  napi::throw_status(env, base::Status(base::Reason::kShuttingDown, "the engine is closed"));
  return false;
}

bool EngineHandle::accepted(Napi::Env env, const base::Status& status) {
  if (status.ok()) {
    hold();
  } else {
    napi::throw_status(env, status);
  }
  return status.ok();
}

Napi::Value EngineHandle::accepted(Napi::Env env, const base::Result<std::uint64_t>& sequence) {
  if (!accepted(env, sequence.status())) return {};
  return Napi::Number::New(env, static_cast<double>(sequence.value()));
}

void EngineHandle::hold() {
  if (watching_ && poll_ns_ > 0) watch_.stay_awake(poll_ns_);
  if (in_flight_++ > 0) return;
  Ref();
  state_->channel().hold(Env());
}

void EngineHandle::release() {
  if (--in_flight_ > 0) return;
  if (state_ != nullptr) state_->channel().release(Env());
  Unref();
}

/// Closing first: when it returns the reactor has made its last call to `on_completions`.
void EngineHandle::let_go() {
  if (engine_ != nullptr) static_cast<void>(engine_->close());
  watch_.stop();
  watching_ = false;
  client_.reset();
  engine_.reset();
  bell_.reset();
  if (state_ != nullptr) state_->remove(*this);
}

}  // namespace ferrite::addon
