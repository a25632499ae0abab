// engine_torture SUITE [--seeds N] [--seed S] [--seconds T] [--stride N] [--kills N] [--image PATH]
//
// Lives of disks from seed S on, N of them or as many as begin within T seconds:
//   power-cuts  the power goes, again and again
//   faults      every request fails in every way, or every so-manieth (--stride)
//   flips       every byte is flipped
//   brim        images are full
//   kills       a process that writes to a new image at PATH is killed N times
// Prints totals as one line of JSON; a violation names its seed and how to repeat it, and exits 1.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "torture/brim.h"
#include "torture/faults.h"
#include "torture/flips.h"
#include "torture/kills.h"
#include "torture/power_cuts.h"

using namespace ferrite::engine;

namespace {

struct Options {
  std::string suite;
  std::map<std::string, std::uint64_t> numbers = {
      {"--seeds", 500},
      {"--seed", 1},
      {"--seconds", std::numeric_limits<std::uint32_t>::max()},
      {"--stride", 1},
      {"--kills", 200}};
  std::string image = "torture.image";
};

std::string current_suite;
std::uint64_t current_seed = 0;

[[noreturn]] void usage() {
  std::fputs("usage: engine_torture power-cuts|faults|flips|brim|kills [--seeds N] [--seed S] [--seconds T] "
             "[--stride N] [--kills N] [--image PATH]\n", stderr);
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
  if (count < 2 || count % 2 != 0) usage();
  options.suite = words[1];
  for (int i = 2; i < count; i += 2) {
    if (std::string_view(words[i]) == "--image") {
      options.image = words[i + 1];
    } else if (const auto known = options.numbers.find(words[i]); known != options.numbers.end()) {
      known->second = number(words[i + 1]);
    } else {
      usage();
    }
  }
  if (options.numbers["--stride"] == 0) usage();
  return options;
}

using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

void print(const Counts& counts) {
  char before = '{';
  for (const auto& [name, value] : counts) {
    std::printf("%c\"%s\":%llu", before, name.c_str(), static_cast<unsigned long long>(value));
    before = ',';
  }
  std::puts("}");
}

/// Calls `live` with one seed after the other.
template <typename Live>
void each_seed(Options& options, Live live) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(options.numbers["--seconds"]);
  for (std::uint64_t i = 0; i < options.numbers["--seeds"] && std::chrono::steady_clock::now() < until; ++i) {
    live(options.numbers["--seed"] + i);
  }
}

void power_cuts(Options& options) {
  torture::Totals totals;
  // The kind of cut follows from the seed, so that a seed alone repeats a life.
  each_seed(options, [&](std::uint64_t seed) { torture::live(seed, static_cast<CutMode>(seed % kCutModes), totals); });
  print({{"seeds", totals.seeds}, {"acknowledged", totals.acknowledged}, {"refused", totals.refused},
         {"cuts", totals.cuts}, {"cutsInRecovery", totals.cuts_in_recovery},
         {"cutsInCompaction", totals.cuts_in_compaction}, {"cutsInCheckpoint", totals.cuts_in_checkpoint},
         {"fromCheckpoint", totals.from_checkpoint}, {"ambiguous", totals.ambiguous}, {"sealed", totals.sealed}});
}

void faults(Options& options) {
  torture::FaultTotals totals;
  each_seed(options, [&](std::uint64_t seed) { torture::fail_everywhere(seed, options.numbers["--stride"], totals); });
  torture::expect_all_sites(totals);
  Counts counts = {{"seeds", options.numbers["--seeds"]}, {"faults", totals.runs}, {"refused", totals.refused},
                   {"stopped", totals.stopped}, {"reported", totals.reported}, {"contained", totals.contained},
                   {"lostAsReported", totals.lost_as_reported}};
  for (const auto& [site, hits] : totals.sites) {
    std::uint64_t all = 0;
    for (const std::uint64_t count : hits) all += count;
    counts.emplace_back("at " + site, all);
  }
  print(counts);
}

void flips(Options& options) {
  torture::FlipTotals totals;
  const bool full = options.numbers["--stride"] == 1;
  each_seed(options, [&](std::uint64_t seed) { torture::flip_everything(seed, full, totals); });
  torture::expect_all_kinds(totals);
  torture::Shown all;
  Counts kinds;
  for (const auto& [kind, shown] : totals.kinds) {
    all.flips += shown.flips;
    all.refused += shown.refused;
    all.opened += shown.opened;
    all.read += shown.read;
    all.scrubbed += shown.scrubbed;
    all.ambiguous += shown.ambiguous;
    all.harmless += shown.harmless;
    kinds.emplace_back("in " + kind, shown.flips);
  }
  Counts counts = {{"seeds", options.numbers["--seeds"]}, {"images", totals.images}, {"flips", all.flips},
                   {"refused", all.refused}, {"atOpen", all.opened}, {"atRead", all.read}, {"atScrub", all.scrubbed},
                   {"ambiguousTail", all.ambiguous}, {"harmless", all.harmless}};
  counts.insert(counts.end(), kinds.begin(), kinds.end());
  print(counts);
}

void brim(Options& options) {
  torture::BrimTotals totals;
  each_seed(options, [&](std::uint64_t seed) { torture::fill_to_the_brim(seed, totals); });
  print({{"seeds", totals.seeds}, {"accepted", totals.accepted}, {"refused", totals.refused},
         {"emptied", totals.emptied}, {"emptyValues", totals.empty_values}, {"largestValues", totals.largest_values}});
}

void kills(Options& options) {
  torture::KillTotals totals;
  torture::kill_often(options.image, options.numbers["--seed"], options.numbers["--kills"], totals);
  print({{"kills", totals.kills}, {"inOpening", totals.in_opening}, {"uring", totals.uring}, {"pool", totals.pool},
         {"acknowledged", totals.acknowledged}, {"looks", totals.looks}, {"records", totals.records},
         {"ambiguous", totals.ambiguous}});
}

}  // namespace

// In place of the test harness, which knows titles instead of seeds.
namespace ferrite::testing {

void set_seed(std::uint64_t seed) noexcept { current_seed = seed; }

void expectation_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: violated: %s\n%s\nagain with: engine_torture %s --seeds 1 --seed %llu\n", file,
               line, condition, torture::current_fault().c_str(), current_suite.c_str(), static_cast<unsigned long long>(current_seed));
  std::_Exit(1);
}

}  // namespace ferrite::testing

int main(int count, char** words) {
  Options options = parse(count, words);
  current_suite = options.suite;
  const std::map<std::string, void (*)(Options&)> suites = {
      {"power-cuts", power_cuts}, {"faults", faults}, {"flips", flips}, {"brim", brim}, {"kills", kills}};
  const auto suite = suites.find(options.suite);
  if (suite == suites.end()) usage();
  suite->second(options);
  return 0;
}
