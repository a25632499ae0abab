// Invariants that hold in every build: a false condition is a bug and ends the process.
#pragma once

namespace ferrite::base {

/// Prints the condition and its place on stderr, then aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace ferrite::base

#define FERRITE_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::ferrite::base::check_failed(#condition, __FILE__, __LINE__))
