// Outcome of an operation: a reason from the shared table, its effect and a fixed message.
// Threads: a plain value. Ownership: `message` points to static storage, so a Status never allocates.
#pragma once

#include <cstdint>

#include "base/reason.gen.h"

namespace ferrite::base {

/// May the failed operation have taken place? `kNone`: certainly not. `kUnknown`: perhaps.
enum class Effect : std::uint8_t { kNone, kUnknown };

/// Success, or why not. Trivially copyable.
class [[nodiscard]] Status {
 public:
  constexpr Status() noexcept = default;

  /// A failure. `message` must be a string literal; `system_error` is an errno value or 0.
  constexpr Status(Reason reason, const char* message, int system_error = 0,
                   Effect effect = Effect::kNone) noexcept
      : message_(message), system_error_(system_error), reason_(reason), effect_(effect), failed_(true) {}

  [[nodiscard]] constexpr bool ok() const noexcept { return !failed_; }
  /// Only meaningful when `ok()` is false.
  [[nodiscard]] constexpr Reason reason() const noexcept { return reason_; }
  [[nodiscard]] constexpr Effect effect() const noexcept { return effect_; }
  [[nodiscard]] constexpr const char* message() const noexcept { return message_; }
  /// The errno behind the failure, or 0.
  [[nodiscard]] constexpr int system_error() const noexcept { return system_error_; }

 private:
  const char* message_ = "";
  int system_error_ = 0;
  Reason reason_ = Reason::kInternal;
  Effect effect_ = Effect::kNone;
  bool failed_ = false;
};

}  // namespace ferrite::base
