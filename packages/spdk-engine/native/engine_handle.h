// One open engine as a JavaScript object: submissions in, batches of completions out.
// Threads: the JS thread; the engine's reactor only calls `on_completions`. Owner: JavaScript (garbage collected);
// while operations are in flight the handle holds itself, so that their promises settle.
#pragma once

#include <napi.h>

#include <array>
#include <memory>
#include <optional>
#include <span>

#include "completion_rows.h"
#include "doorbell.h"
#include "inline_waits.h"
#include "loop_watch.h"
#include "engine/engine.h"
#include "napi_glue/addon_state.h"

namespace ferrite::addon {

class EngineHandle final : public Napi::ObjectWrap<EngineHandle>, private napi::Wakeable {
 public:
  [[nodiscard]] static Napi::Function define(Napi::Env env);
  /// Wraps an open engine; an empty value with a pending exception if that is impossible.
  [[nodiscard]] static Napi::Value create(Napi::Env env, std::unique_ptr<engine::Engine> engine);

  explicit EngineHandle(const Napi::CallbackInfo& info);
  ~EngineHandle() override;

 private:
  class CloseTask;

  // The methods JavaScript sees; `NativeEngineHandle` in `src/binding.ts` gives their types.
  Napi::Value start(const Napi::CallbackInfo& info);
  Napi::Value append(const Napi::CallbackInfo& info);
  Napi::Value remove(const Napi::CallbackInfo& info);
  Napi::Value dropPartition(const Napi::CallbackInfo& info);
  Napi::Value batch(const Napi::CallbackInfo& info);
  Napi::Value get(const Napi::CallbackInfo& info);
  Napi::Value endTurn(const Napi::CallbackInfo& info);
  Napi::Value scan(const Napi::CallbackInfo& info);
  Napi::Value walk(const Napi::CallbackInfo& info);
  Napi::Value flush(const Napi::CallbackInfo& info);
  Napi::Value scrub(const Napi::CallbackInfo& info);
  Napi::Value stopScrub(const Napi::CallbackInfo& info);
  Napi::Value scrubProgress(const Napi::CallbackInfo& info);
  Napi::Value takeDamage(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Napi::Value report(const Napi::CallbackInfo& info);
  Napi::Value stats(const Napi::CallbackInfo& info);
  Napi::Value latency(const Napi::CallbackInfo& info);

  /// Waits for the reactor to complete something; false when patience or the event loop ended it.
  [[nodiscard]] bool wait_for_reactor();
  /// For what is in flight.
  [[nodiscard]] engine::Patience patience() const noexcept;
  static void on_completions(void* self) noexcept;
  void drain(napi_env env) override;
  /// Hands over what fits into `room`; true when there may be more.
  bool drain_some(napi_env env, std::span<engine::Completion> room);
  void tear_down() override;

  /// True if the engine is open; else throws SHUTTING_DOWN.
  bool enter(Napi::Env env);
  /// Counts an accepted operation, or throws why it was refused.
  bool accepted(Napi::Env env, const base::Status& status);
  /// The same for a write: its sequence.
  Napi::Value accepted(Napi::Env env, const base::Result<std::uint64_t>& sequence);
  /// One operation more in flight: the first keeps this object and the process alive.
  void hold();
  void release();
  void let_go();

  napi::AddonState* state_ = nullptr;
  std::shared_ptr<engine::Engine> engine_;
  std::unique_ptr<engine::Client> client_;
  std::size_t in_flight_ = 0;
  /// Where the client's own reads are heard of; not started without them.
  LoopWatch watch_;
  bool watching_ = false;
  std::uint64_t poll_ns_ = 0;
  InlineWaits waits_;
  std::optional<Doorbell> bell_;
  CompletionRows rows_;
  std::array<engine::Completion, CompletionRows::kRowsMax> completions_;
};

}  // namespace ferrite::addon
