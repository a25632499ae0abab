// Typed reading of arguments. Every caller in TypeScript has checked ranges and backing stores already
// (`record-check.ts`); here a wrong type is a bug of ours and becomes a TypeError, never undefined behaviour.
// Thread: the JS thread.
#pragma once

#include <napi.h>

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"

namespace ferrite::napi {

/// Reads arguments in order; `ok()` is false after the first of a wrong type, which has thrown a TypeError.
class Args {
 public:
  explicit Args(const Napi::CallbackInfo& info) : info_(info) {}

  [[nodiscard]] std::uint32_t u32() {
    std::uint32_t value = 0;
    check(napi_get_value_uint32(info_.Env(), take(), &value));
    return value;
  }

  /// A non-negative integer that a double holds exactly.
  [[nodiscard]] std::uint64_t integer() {
    std::int64_t value = 0;
    check(napi_get_value_int64(info_.Env(), take(), &value));
    return static_cast<std::uint64_t>(value);
  }

  [[nodiscard]] std::uint64_t u64_bigint() {
    std::uint64_t value = 0;
    bool lossless = false;
    check(napi_get_value_bigint_uint64(info_.Env(), take(), &value, &lossless));
    return value;
  }

  [[nodiscard]] std::string string() {
    const Napi::Value value(info_.Env(), take());
    check(value.IsString() ? napi_ok : napi_string_expected);
    return ok_ ? value.As<Napi::String>().Utf8Value() : std::string();
  }

  [[nodiscard]] bool boolean() {
    bool value = false;
    check(napi_get_value_bool(info_.Env(), take(), &value));
    return value;
  }

  /// Borrowed until the call returns to JavaScript.
  [[nodiscard]] base::Bytes bytes() {
    napi_typedarray_type type = napi_int8_array;
    std::size_t length = 0;
    void* data = nullptr;
    check(napi_get_typedarray_info(info_.Env(), take(), &type, &length, &data, nullptr, nullptr));
    if (ok_ && type != napi_uint8_array) check(napi_invalid_arg);
    return ok_ ? base::Bytes(static_cast<const std::uint8_t*>(data), length) : base::Bytes();
  }

  /// A Float64Array, borrowed until the call returns to JavaScript.
  [[nodiscard]] std::span<const double> doubles() {
    napi_typedarray_type type = napi_int8_array;
    std::size_t length = 0;
    void* data = nullptr;
    check(napi_get_typedarray_info(info_.Env(), take(), &type, &length, &data, nullptr, nullptr));
    if (ok_ && type != napi_float64_array) check(napi_invalid_arg);
    return ok_ ? std::span<const double>(static_cast<const double*>(data), length) : std::span<const double>();
  }

  [[nodiscard]] bool ok() const { return ok_; }

 private:
  [[nodiscard]] napi_value take() { return info_[next_++]; }

  void check(napi_status status) {
    if (status == napi_ok || !ok_) return;
    ok_ = false;
    Napi::TypeError::New(info_.Env(), "argument " + std::to_string(next_) + " has a wrong type")
        .ThrowAsJavaScriptException();
  }

  const Napi::CallbackInfo& info_;
  std::size_t next_ = 0;
  bool ok_ = true;
};

}  // namespace ferrite::napi
