#include "testing/check.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace ferrite::testing {
namespace {

struct Case {
  const char* title;
  TestFunction function;
};

// A test program's registry is filled before main and never changes afterwards.
std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

std::uint64_t& seed() {
  static thread_local std::uint64_t value = 0;
  return value;
}

}  // namespace

bool register_test(const char* title, TestFunction function) noexcept {
  cases().push_back({title, function});
  return true;
}

void expectation_failed(const char* condition, const char* file, int line) noexcept {
  std::fflush(stdout);
  std::fprintf(stderr, "expected: %s (%s:%d), seed %" PRIu64 "\n", condition, file, line, seed());
  std::abort();
}

void skip(const char* reason) noexcept {
  std::printf("skipped: %s\n", reason);
  std::fflush(stdout);
  std::_Exit(77);
}

void set_seed(std::uint64_t value) noexcept { seed() = value; }

}  // namespace ferrite::testing

int main(int argc, char** argv) {
  unsigned ran = 0;
  for (const auto& test : ferrite::testing::cases()) {
    if (argc > 1 && std::strcmp(argv[1], test.title) != 0) continue;
    test.function();
    std::printf("ok: %s\n", test.title);
    ++ran;
  }
  if (ran == 0) std::fprintf(stderr, "no such test\n");
  return ran == 0 ? 1 : 0;
}
