// Records that end by time, where the engine was told to end them: not shown, removed by compaction, never outlived by
// what they replaced.
#include <time.h>

#include <chrono>
#include <set>
#include <thread>

#include "device/memory_device.h"
#include "small_image.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;
using base::Reason;

namespace {

OpenOptions expiring(bool expire = true, std::uint64_t checkpoint_records = 0) {
  OpenOptions options = small_options(checkpoint_records);
  options.expire = expire;
  return options;
}

std::uint64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}
/// Long enough ago for compaction.
std::uint64_t long_ago() { return now_ms() - kExpiryGraceMs - 1000; }

bool accept(CoreDriver& driver, const std::string& key, const std::string& value, std::uint64_t expires_at_ms) {
  PutRequest request;
  request.keyspace = 1;
  request.key = bytes_of(key);
  request.value = bytes_of(value);
  request.expires_at_ms = expires_at_ms;
  const auto accepted = driver.core().submit_write(driver.client(), RecordKind::kPut, request, 1);
  if (accepted.ok()) {
    EXPECT(driver.wait().status.ok());
    return true;
  }
  EXPECT(accepted.status().reason() == Reason::kDeviceFull);
  return false;
}

// Puts it as soon as there is room.
void put_until(CoreDriver& driver, const std::string& key, const std::string& value, std::uint64_t expires_at_ms) {
  for (int turn = 0; !accept(driver, key, value, expires_at_ms); ++turn) {
    EXPECT(turn < 20000);
    driver.step();
  }
}

std::uint64_t walked(CoreDriver& driver) {
  WalkRequest request;
  request.to = {1, ~std::uint64_t{0}};
  EXPECT(driver.core().submit_walk(driver.client(), request, 3).ok());
  Completion page = driver.wait();
  EXPECT(page.status.ok() && page.walk->head.more == 0);
  std::uint64_t records = 0;
  RecordView view;
  while (page.records.next(view)) ++records;
  EXPECT(records == page.walk->entries.size());
  return records;
}

}  // namespace

TEST("a record is shown until its time has passed, and on an engine that was not told to end it also afterwards") {
  const auto disk = new_disk();
  {
    CoreDriver driver(expiring());
    EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
    const std::uint64_t soon = now_ms() + 300;
    for (std::uint64_t i = 0; i < 60; ++i) {
      EXPECT(accept(driver, key_name(i), "v", i % 3 == 0 ? 0 : i % 3 == 1 ? soon : now_ms() + 3'600'000));
    }
    std::size_t scanned = 0;
    for (std::uint32_t partition = 0; partition < 4; ++partition) scanned += driver.scan(1, partition).size();
    const bool all = scanned == 60 && walked(driver) == 60 && driver.get("key1").value == "v";
    EXPECT(all || now_ms() >= soon);
    while (now_ms() < soon) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    for (std::uint64_t i = 0; i < 60; ++i) EXPECT(driver.get(key_name(i)).value.has_value() == (i % 3 != 1));
    scanned = 0;
    for (std::uint32_t partition = 0; partition < 4; ++partition) scanned += driver.scan(1, partition).size();
    EXPECT(scanned == 40 && walked(driver) == 40);
    // A new record in the place of one whose time has passed.
    EXPECT(accept(driver, "key1", "again", 0) && driver.get("key1").value == "again");
    EXPECT(driver.close().ok());
  }
  CoreDriver driver(expiring(false));
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), false).ok());
  EXPECT(driver.report().record_count == 60 && driver.get("key4").value == "v" && walked(driver) == 60);
  EXPECT(driver.get("key4").view.expires_at_ms != 0);
}

TEST("pages of a scan hold what is left when most of a partition has passed") {
  CoreDriver driver(expiring());
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(new_disk(40)), true).ok());
  std::set<std::string> left;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const bool stays = i % 50 == 0;
    EXPECT(accept(driver, key_name(i), "v", stays ? 0 : 1));
    if (stays) left.insert(key_name(i));
  }
  for (std::uint32_t partition = 0; partition < 4; ++partition) {
    for (const auto& [key, value] : driver.scan(1, partition)) EXPECT(left.erase(key) == 1);
  }
  EXPECT(left.empty());
}

TEST("space of what has passed comes back, as often as the image is filled with it") {
  const auto disk = new_disk(16);
  std::uint64_t number = 0;
  std::uint64_t expired = 0;
  for (int boot = 0; boot < 4; ++boot) {
    CoreDriver driver(expiring());
    EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), boot == 0).ok());
    EXPECT(driver.report().damaged.empty() && driver.report().salvaged == 0);
    if (boot == 0) EXPECT(accept(driver, "forever", "here", 0));
    EXPECT(driver.get("forever").value == "here");
    // Three times what the image holds.
    for (int i = 0; i < 1500; ++i) put_until(driver, key_name(number++), std::string(2000, 'v'), long_ago());
    expired += driver.core().stats().expired;
    EXPECT(driver.core().stats().records < 600);
    if (boot % 2 == 1) EXPECT(driver.close().ok());
  }
  EXPECT(expired > 4500);
  std::printf("%llu ended\n", static_cast<unsigned long long>(expired));
}

TEST("what has passed in segments that were not read since opening is found before the image is full") {
  const auto disk = new_disk(40);
  std::uint64_t old = 0;
  {
    CoreDriver driver(expiring(false, 40));
    EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
    const std::uint64_t all = driver.core().stats().free_bytes;
    while (driver.core().stats().free_bytes > all / 5 * 2) {
      EXPECT(accept(driver, "old" + std::to_string(old++), std::string(2000, 'o'), long_ago()));
    }
    EXPECT(driver.close().ok());
  }
  CoreDriver driver(expiring(true, 40));
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), false).ok());
  EXPECT(driver.report().from_checkpoint && driver.report().record_count == old);
  for (std::uint64_t i = 0; i < old; ++i) put_until(driver, key_name(i), std::string(2000, 'n'), 0);
  // Nothing of what was written just now has ended: room can only have come from what was there.
  EXPECT(driver.core().stats().expired > old / 3);
  EXPECT(driver.get(key_name(0)).value.has_value() && driver.get(key_name(old - 1)).value.has_value());
}

TEST("what has passed by less than the grace stays on the device, whatever compaction does") {
  const auto disk = new_disk(16);
  {
    CoreDriver driver(expiring());
    EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
    for (std::uint64_t i = 0; i < 50; ++i) EXPECT(accept(driver, key_name(i), "v", now_ms() - 1));
    testing::Seeded random(1);
    for (int i = 0; i < 1500; ++i) put_until(driver, "slow" + std::to_string(random.below(200)), std::string(1500, 's'), 0);
    EXPECT(driver.core().stats().moved_bytes > 0 && driver.core().stats().expired == 0);
    EXPECT(!driver.get("key7").value.has_value());
  }
  CoreDriver driver(expiring(false));
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), false).ok());
  for (std::uint64_t i = 0; i < 50; ++i) EXPECT(driver.get(key_name(i)).value == "v");
}

TEST("no older version comes back when a record has ended, neither from the log nor from a checkpoint") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    testing::set_seed(seed);
    testing::Seeded random(seed);
    const auto disk = new_disk(14 + random.below(12));
    std::map<std::string, std::string> newest;
    std::uint64_t expired = 0;
    for (int boot = 0; boot < 6; ++boot) {
      // Without the option everything that is still there is seen.
      CoreDriver driver(expiring(boot % 3 != 2, random.chance(50) ? 50 : 0));
      EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), boot == 0).ok());
      EXPECT(driver.report().damaged.empty() && driver.report().salvaged == 0);
      for (std::uint64_t i = 0; i < 150; ++i) {
        const Found found = driver.get(key_name(i));
        EXPECT(found.status.ok());
        const bool ends = newest[key_name(i)].starts_with("ends");
        if (found.value.has_value()) {
          EXPECT(*found.value == newest[key_name(i)]);
        } else {
          EXPECT(ends || newest[key_name(i)].empty());
        }
      }
      for (int i = 0; i < 500; ++i) {
        const std::string key = key_name(random.below(150));
        if (random.chance(10)) {
          EXPECT(driver.remove(key, 1).ok() && driver.wait().status.ok());
          newest[key].clear();
          continue;
        }
        const bool ends = random.chance(40);
        const std::string value =
            (ends ? "ends" : "stays") + std::to_string(boot * 1000 + i) + std::string(random.below(2500), 'v');
        if (accept(driver, key, value, ends ? long_ago() : 0)) newest[key] = value;
        if (random.chance(20)) driver.step();
      }
      expired += driver.core().stats().expired;
      if (random.chance(50)) EXPECT(driver.close().ok());
    }
    EXPECT(expired > 0);
  }
}
