// Tiny test harness: TEST("sentence") { EXPECT(condition); }. One program per file; each title is a CTest entry.
// Threads: titles run one after the other on the main thread; EXPECT may be used from any thread.
#pragma once

#include <cstdint>

namespace ferrite::testing {

using TestFunction = void (*)();

/// Adds a test to this program. Called before main by TEST.
bool register_test(const char* title, TestFunction function) noexcept;
/// Reports a failed expectation and ends the program.
[[noreturn]] void expectation_failed(const char* condition, const char* file, int line) noexcept;
/// Ends the program as skipped, with the reason.
[[noreturn]] void skip(const char* reason) noexcept;
/// Printed with a failure, so that it can be repeated.
void set_seed(std::uint64_t seed) noexcept;

}  // namespace ferrite::testing

#define FERRITE_TEST_JOIN_(a, b) a##b
#define FERRITE_TEST_JOIN(a, b) FERRITE_TEST_JOIN_(a, b)
#define TEST(title)                                                                                         \
  static void FERRITE_TEST_JOIN(test_, __LINE__)();                                                         \
  [[maybe_unused]] static const bool FERRITE_TEST_JOIN(registered_, __LINE__) =                             \
      ::ferrite::testing::register_test(title, &FERRITE_TEST_JOIN(test_, __LINE__));                        \
  static void FERRITE_TEST_JOIN(test_, __LINE__)()

#define EXPECT(condition) \
  ((condition) ? static_cast<void>(0) : ::ferrite::testing::expectation_failed(#condition, __FILE__, __LINE__))
