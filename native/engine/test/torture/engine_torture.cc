// engine_torture power-cuts [--seeds N] [--seed S] [--seconds T]: lives of disks from seed S on, N of them or as many as
// begin within T seconds. Prints totals as one line of JSON; a violation names its seed and how to repeat it, and exits 1.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>

#include "torture/power_cuts.h"

using namespace ferrite::engine;

namespace {

struct Options {
  std::uint64_t seeds = 500;
  std::uint64_t seed = 1;
  std::uint64_t seconds = std::numeric_limits<std::uint32_t>::max();
};

std::uint64_t current_seed = 0;

[[noreturn]] void usage() {
  std::fputs("usage: engine_torture power-cuts [--seeds N] [--seed S] [--seconds T]\n", stderr);
  std::exit(2);
}

std::uint64_t number(const char* text) {
  char* end = nullptr;
  const unsigned long long value = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0') usage();
  return value;
}

Options parse(int count, char** words) {
  Options options;
  if (count < 2 || std::string_view(words[1]) != "power-cuts" || count % 2 != 0) usage();
  for (int i = 2; i < count; i += 2) {
    const std::string_view name = words[i];
    if (name == "--seeds") {
      options.seeds = number(words[i + 1]);
    } else if (name == "--seed") {
      options.seed = number(words[i + 1]);
    } else if (name == "--seconds") {
      options.seconds = number(words[i + 1]);
    } else {
      usage();
    }
  }
  return options;
}

void print(const char* name, std::uint64_t value, const char* behind) {
  std::printf("\"%s\":%llu%s", name, static_cast<unsigned long long>(value), behind);
}

}  // namespace

// In place of the test harness, which knows titles instead of seeds.
namespace ferrite::testing {

void set_seed(std::uint64_t seed) noexcept { current_seed = seed; }

void expectation_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: violated: %s\nagain with: engine_torture power-cuts --seeds 1 --seed %llu\n", file, line,
               condition, static_cast<unsigned long long>(current_seed));
  std::_Exit(1);
}

}  // namespace ferrite::testing

int main(int count, char** words) {
  const Options options = parse(count, words);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(options.seconds);
  torture::Totals totals;
  for (std::uint64_t i = 0; i < options.seeds && std::chrono::steady_clock::now() < until; ++i) {
    // The kind of cut follows from the seed, so that a seed alone repeats a life.
    const std::uint64_t seed = options.seed + i;
    torture::live(seed, static_cast<CutMode>(seed % kCutModes), totals);
  }
  std::putchar('{');
  print("seeds", totals.seeds, ",");
  print("acknowledged", totals.acknowledged, ",");
  print("refused", totals.refused, ",");
  print("cuts", totals.cuts, ",");
  print("cutsInRecovery", totals.cuts_in_recovery, ",");
  print("cutsInCompaction", totals.cuts_in_compaction, ",");
  print("cutsInCheckpoint", totals.cuts_in_checkpoint, ",");
  print("fromCheckpoint", totals.from_checkpoint, ",");
  print("ambiguous", totals.ambiguous, ",");
  print("sealed", totals.sealed, "}\n");
  return 0;
}
