// Power cuts against a model: no acknowledged write is lost, none is invented, and a torn tail is never called damage.
// A few lives of each kind; engine_torture lives as many as wanted.
#include <cstdio>

#include "testing/check.h"
#include "torture/power_cuts.h"

using namespace ferrite::engine;

namespace {

constexpr std::uint64_t kLives = 25;

void lives(CutMode mode, std::uint64_t first_seed) {
  torture::Totals totals;
  for (std::uint64_t seed = 0; seed < kLives; ++seed) torture::live(first_seed + seed, mode, totals);
  std::printf("cuts %llu, of them during recovery %llu; acknowledged %llu; tails ambiguous %llu, sealed %llu\n",
              static_cast<unsigned long long>(totals.cuts), static_cast<unsigned long long>(totals.cuts_in_recovery),
              static_cast<unsigned long long>(totals.acknowledged), static_cast<unsigned long long>(totals.ambiguous),
              static_cast<unsigned long long>(totals.sealed));
  EXPECT(totals.cuts >= 150 && totals.cuts_in_recovery > 0 && totals.acknowledged > 500);
}

}  // namespace

TEST("acknowledged writes survive power cuts that lose everything unflushed") { lives(CutMode::kNone, 1000); }
TEST("acknowledged writes survive power cuts that lose nothing written") { lives(CutMode::kAll, 2000); }
TEST("acknowledged writes survive power cuts that keep the first blocks") { lives(CutMode::kPrefix, 3000); }
TEST("acknowledged writes survive power cuts that keep the last blocks") { lives(CutMode::kSuffix, 4000); }
TEST("acknowledged writes survive power cuts that lose one block") { lives(CutMode::kAllButOne, 5000); }
TEST("acknowledged writes survive power cuts that keep any blocks") { lives(CutMode::kRandomBlocks, 6000); }
TEST("acknowledged writes survive power cuts that tear sectors") { lives(CutMode::kTornSectors, 7000); }
TEST("acknowledged writes survive power cuts that reorder blocks") { lives(CutMode::kReorderedBlocks, 8000); }
TEST("acknowledged writes survive power cuts that reorder requests") { lives(CutMode::kReorderedRequests, 9000); }
