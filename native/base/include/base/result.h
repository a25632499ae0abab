// A value or the Status that explains its absence. Threads: a plain value. Owns its value.
#pragma once

#include <optional>
#include <utility>

#include "base/check.h"
#include "base/status.h"

namespace ferrite::base {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(status) {      // NOLINT(google-explicit-constructor)
    FERRITE_CHECK(!status.ok());
  }

  [[nodiscard]] bool ok() const noexcept { return value_.has_value(); }
  /// Ok when a value is held.
  [[nodiscard]] Status status() const noexcept { return status_; }

  /// The value; a bug (abort) when there is none.
  [[nodiscard]] T& value() & {
    FERRITE_CHECK(value_.has_value());
    return *value_;
  }
  [[nodiscard]] const T& value() const& {
    FERRITE_CHECK(value_.has_value());
    return *value_;
  }
  [[nodiscard]] T&& value() && {
    FERRITE_CHECK(value_.has_value());
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace ferrite::base
