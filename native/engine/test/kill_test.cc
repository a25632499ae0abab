// A process killed in the middle of writing loses nothing it acknowledged. A part of what engine_torture does.
#include <cstdio>

#include "scratch.h"
#include "testing/check.h"
#include "torture/kills.h"

using namespace ferrite::engine;

TEST("what a killed process acknowledged is there, whenever and however often it is killed") {
  const Scratch scratch;
  torture::KillTotals totals;
  torture::kill_often(scratch.image(), 1, 10, totals);
  std::printf("%llu kills, %llu of them while opening; %llu operations acknowledged\n",
              static_cast<unsigned long long>(totals.kills), static_cast<unsigned long long>(totals.in_opening),
              static_cast<unsigned long long>(totals.acknowledged));
  EXPECT(totals.kills == 10 && totals.looks > 0 && totals.acknowledged > 0);
}
