// The engine's reports as plain JavaScript objects (`src/open-report.ts`, `src/stats.ts`). Thread: the JS thread.
#pragma once

#include <napi.h>

#include "engine/engine.h"

namespace ferrite::addon {

[[nodiscard]] Napi::Object report_to_js(Napi::Env env, const engine::Engine& engine);
[[nodiscard]] Napi::Object stats_to_js(Napi::Env env, const engine::EngineStats& stats);
[[nodiscard]] Napi::Object progress_to_js(Napi::Env env, const engine::ScrubProgress& progress);
[[nodiscard]] Napi::Array damage_to_js(Napi::Env env, const std::vector<engine::DamageReport>& reports);
/// The memory itself as an external ArrayBuffer, which keeps it for as long as JavaScript keeps the buffer.
[[nodiscard]] Napi::Value latency_to_js(Napi::Env env, engine::LatencyMemory latency);

}  // namespace ferrite::addon
