// Flips of bytes in every kind of frame and record are noticed, or are the one ambiguous tail. A part of what
// engine_torture does.
#include "testing/check.h"
#include "torture/flips.h"

using namespace ferrite::engine;

TEST("a flip of any byte of any frame or record is noticed, and none is believed") {
  torture::FlipTotals totals;
  torture::flip_everything(1, false, totals);
  torture::print_flips(totals);
  torture::expect_all_kinds(totals);
}
