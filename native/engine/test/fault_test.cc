// An error at any request of any call site ends in a clean error or a stopped engine, never in silence; what was
// acknowledged is there afterwards. A part of what engine_torture does.
#include <cstdio>
#include <string_view>

#include "core_driver.h"
#include "device/faulty_device.h"
#include "device/memory_device.h"
#include "testing/check.h"
#include "torture/brim.h"
#include "torture/faults.h"

using namespace ferrite;
using namespace ferrite::engine;

TEST("an error at any request, in three states, is a clean error or stops the engine, and nothing acknowledged is lost") {
  torture::FaultTotals totals;
  torture::fail_everywhere(1, 20, totals);
  torture::print_sites(totals);
  EXPECT(totals.stopped > 0 && totals.refused > 0 && totals.reported > 0);
  torture::expect_all_sites(totals);
}

TEST("a full image takes what it accepts, refuses the rest, and has room again when room is made") {
  torture::BrimTotals totals;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) torture::fill_to_the_brim(seed, totals);
  EXPECT(totals.refused > 100 && totals.empty_values > 100 && totals.largest_values > 20);
}

TEST("removals that cannot be read back are left where they are and hold up nothing") {
  constexpr std::uint64_t kSegment = 64U << 10U;
  OpenOptions options;
  options.segment_bytes = kSegment;
  const auto plan = std::make_shared<FaultPlan>();
  plan->fault = Fault::kLasting;
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + 9 * kSegment);
  CoreDriver driver(options);
  EXPECT(driver.attach(std::make_unique<FaultyDevice>(std::make_unique<MemoryDevice>(disk), plan), true).ok());
  const auto put = [&driver](const std::string& key) {
    EXPECT(driver.put(key, std::string(3000, 'v'), 1).ok());
    EXPECT(driver.wait().status.ok());
  };
  // These fill the first segment and stay, so that the removals in the second have something older to hide.
  for (int i = 0; i < 14; ++i) put("old" + std::to_string(i));
  for (const char* key : {"a", "b", "c"}) {
    EXPECT(driver.remove(key, 1).ok());
    EXPECT(driver.wait().status.ok());
  }
  plan->watch = [&plan](const IoRequest& request) {
    const bool there = request.offset >= kDataOffset + kSegment && request.offset < kDataOffset + 2 * kSegment;
    if (plan->injected == 0 && there && std::string_view(request.site) == "read_window") plan->at = plan->seen;
  };
  for (int i = 0; i < 12; ++i) put("new");
  // Something that lives long in every segment makes compaction necessary.
  for (int i = 0; i < 300; ++i) put(i % 4 == 0 ? "old" + std::to_string(14 + i / 4 % 40) : "new");
  EXPECT(plan->injected > 0);
  EXPECT(driver.close().ok());
}
