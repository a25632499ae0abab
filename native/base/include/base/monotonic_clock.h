// Nanoseconds of the monotonic clock, without a system call. Threads: any.
#pragma once

#include <ctime>
#include <cstdint>

namespace ferrite::base {

/// Nanoseconds since an unnamed moment; never runs backwards, comparable between the threads of this host.
[[nodiscard]] inline std::uint64_t monotonic_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace ferrite::base
