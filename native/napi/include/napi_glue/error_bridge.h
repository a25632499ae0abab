// Status -> what JavaScript sees. The TypeScript side (`native-error.ts`) turns it into a StoreError.
// Thread: the JS thread.
#pragma once

#include <napi.h>

#include "base/status.h"

namespace ferrite::napi {

/// An Error with the fields `reason` (number of the table of reasons), `effect` and `systemError` (errno or 0).
[[nodiscard]] inline Napi::Error to_error(Napi::Env env, const base::Status& status) {
  Napi::Error error = Napi::Error::New(env, status.message());
  error.Set("reason", Napi::Number::New(env, static_cast<double>(status.reason())));
  error.Set("effect", Napi::String::New(env, status.effect() == base::Effect::kUnknown ? "unknown" : "none"));
  error.Set("systemError", Napi::Number::New(env, status.system_error()));
  return error;
}

inline void throw_status(Napi::Env env, const base::Status& status) {
  to_error(env, status).ThrowAsJavaScriptException();
}

}  // namespace ferrite::napi
