// The engine's reports as plain JavaScript objects (`src/open-report.ts`, `src/stats.ts`). Thread: the JS thread.
#pragma once

#include <napi.h>

#include "engine/engine.h"

namespace ferrite::addon {

[[nodiscard]] Napi::Object report_to_js(Napi::Env env, const engine::Engine& engine);
[[nodiscard]] Napi::Object stats_to_js(Napi::Env env, const engine::EngineStats& stats);

}  // namespace ferrite::addon
