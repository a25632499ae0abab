// Partitions dropped as a whole: what is hidden, for how long, and through which crashes.
#include "device/memory_device.h"
#include "device/non_durable_device.h"
#include "small_image.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;
using base::Reason;

TEST("a dropped partition is empty at once, and what is written to it afterwards stays") {
  const auto disk = new_disk();
  const std::string mine = key_in(2, "mine");
  const std::string other = key_in(1, "other");
  for (int boot = 0; boot < 3; ++boot) {
    CoreDriver driver(small_options());
    EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), boot == 0).ok());
    EXPECT(driver.report().damaged.empty() && driver.report().salvaged == 0);
    if (boot > 0) {
      EXPECT(driver.get(mine).value == "newer" && driver.scan(1, 2).size() == 1);
      EXPECT(driver.get(mine, 2).value == "elsewhere" && driver.get(other).value == "kept");
      EXPECT(driver.report().record_count == 3);
    }
    for (int i = 0; i < 500; ++i) EXPECT(driver.put("bulk" + std::to_string(i), "v", 1).ok());
    EXPECT(driver.put(mine, "old", 1).ok() && driver.put(mine, "elsewhere", 1, 2).ok() && driver.put(other, "kept", 1).ok());
    // None of it is durable yet; the reads wait for what was accepted before them.
    const auto sequence = driver.drop(1, 2, 9);
    EXPECT(sequence.ok());
    EXPECT(!driver.get(mine).value.has_value() && driver.get(mine, 2).value == "elsewhere");
    EXPECT(driver.scan(1, 2).empty() && !driver.scan(1, 1).empty());
    EXPECT(driver.put(mine, "newer", 1).value() == sequence.value() + 1);
    EXPECT(driver.get(mine).value == "newer");
    for (const std::uint32_t partition : {0U, 1U, 3U}) drop(driver, 1, partition);
    put(driver, other, "kept");
    while (driver.poll()) {
    }
    const EngineStats stats = driver.core().stats();
    EXPECT(stats.records == 3);
    EXPECT(stats.record_bytes == 64U + 64 + 64);
    // A crash, a clean close, and one more.
    if (boot == 1) EXPECT(driver.close().ok());
  }
}

TEST("a drop is refused for a partition that there is not, and taken for one that is empty") {
  CoreDriver driver(small_options());
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(new_disk()), true).ok());
  EXPECT(driver.drop(1, 4, 1).status().reason() == Reason::kArgumentInvalid);
  drop(driver, 7, 3);
  EXPECT(driver.core().stats().removes == 1);
}

TEST("a full image takes drops, and gives back what they held") {
  CoreDriver driver(small_options());
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(new_disk()), true).ok());
  for (int round = 0; round < 5; ++round) {
    std::uint64_t accepted = 0;
    for (std::uint64_t i = 0;; ++i) {
      const auto put = driver.put(key_name(i), std::string(2000, 'v'), 1);
      if (!put.ok() && put.status().reason() == Reason::kDeviceFull) break;
      EXPECT(put.ok() && driver.wait().status.ok());
      ++accepted;
    }
    EXPECT(accepted > 250);
    for (std::uint32_t partition = 0; partition < 4; ++partition) drop(driver, 1, partition);
    EXPECT(driver.core().stats().records == 0 && driver.core().stats().record_bytes == 0);
  }
}

TEST("a drop that compaction moved hides what is older and spares what is newer") {
  const auto disk = new_disk(24);
  // Old records of the partition stay on the device because something in their segments is alive.
  const std::string mine = key_in(2, "mine");
  testing::Seeded random(1);
  std::uint64_t moved = 0;
  for (int boot = 0; boot < 6; ++boot) {
    CoreDriver driver(small_options());
    EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), boot == 0).ok());
    EXPECT(driver.report().damaged.empty() && driver.report().salvaged == 0);
    if (boot == 0) {
      for (int i = 0; i < 8; ++i) {
        put(driver, "stays" + std::to_string(i), std::string(24000, 's'), 2);
        put(driver, key_in(2, "old" + std::to_string(i) + "-"), std::string(500, 'o'));
      }
      drop(driver, 1, 2);
      put(driver, mine, "newer");
    }
    // Little stays alive in every later segment, so that they are moved on and on.
    for (int i = 0; i < 300; ++i) {
      put(driver, "churn", std::string(7000, 'c'), 3);
      put(driver, "slow" + std::to_string(random.below(150)), std::string(2000, 's'), 3);
    }
    moved += driver.core().stats().moved_bytes;
    const auto left = driver.scan(1, 2);
    EXPECT(left.size() == 1 && left.front().second == "newer");
    if (boot % 2 == 1) EXPECT(driver.close().ok());
  }
  EXPECT(moved > 0);
}

TEST("drops end once nothing is left for them to hide") {
  CoreDriver driver(small_options());
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(new_disk(12)), true).ok());
  put(driver, "always", "here", 3);
  std::uint64_t in_flight = 0;
  for (std::uint32_t i = 0; i < 30000; ++i) {
    const std::uint32_t partition = i % 4;
    while (!driver.put(key_name(i % 1000), std::string(100, 'v'), 1, 1 + i % 2).ok()) driver.step();
    while (!driver.drop(1 + i % 2, partition, 1).ok()) driver.step();
    in_flight += 2;
    do {
      driver.step();
      while (driver.poll()) --in_flight;
    } while (in_flight > 32);
  }
  while (in_flight > 0) {
    driver.step();
    while (driver.poll()) --in_flight;
  }
  for (std::uint32_t partition = 0; partition < 4; ++partition) {
    drop(driver, 1, partition);
    drop(driver, 2, partition);
  }
  EXPECT(driver.core().stats().records == 1 && driver.get("always", 3).value == "here");
  put(driver, "large", std::string(3000, 'x'));
}

TEST("power cut at any request around a drop loses nothing else, and a drop that was acknowledged holds") {
  const std::string before = key_in(2, "before");
  const std::string after = key_in(2, "after");
  const std::string other = key_in(1, "other");
  std::uint64_t held = 0;
  std::uint64_t undone = 0;
  for (std::uint8_t mode = 0; mode < kCutModes; ++mode) {
    for (std::uint64_t lifetime = 0;; ++lifetime) {
      testing::set_seed(mode * 1000U + lifetime);
      testing::Seeded random(mode * 1000U + lifetime);
      const auto disk = std::make_shared<VolatileDisk>(kDataOffset + (std::size_t{8} << 16U));
      {
        CoreDriver driver(small_options(4));
        EXPECT(driver.attach(std::make_unique<NonDurableDevice>(disk, random.next(), ~std::uint64_t{0}), true).ok());
        put(driver, other, "kept");
        for (int i = 0; i < 5; ++i) put(driver, before, "old" + std::to_string(i));
        if (lifetime % 2 == 0) EXPECT(driver.close().ok());
      }
      std::vector<Completion> done;
      bool finished = false;
      {
        CoreDriver driver(small_options(4));
        const base::Status attached =
            driver.attach(std::make_unique<NonDurableDevice>(disk, random.next(), lifetime), false);
        if (attached.ok()) {
          EXPECT(driver.drop(1, 2, 7).ok() && driver.put(after, "new", 8).ok());
          for (int turn = 0; turn < 60; ++turn) driver.step();
          if (driver.put(before, "again", 9).ok()) {
            for (int turn = 0; turn < 60; ++turn) driver.step();
          }
          while (auto completion = driver.poll()) done.push_back(std::move(*completion));
          finished = done.size() == 3 && done.back().tag == 9 && done.back().status.ok();
        }
      }
      disk->power_cut(static_cast<CutMode>(mode), random);
      const auto good = [&](std::uint64_t tag) {
        for (const Completion& each : done) {
          if (each.tag == tag && each.status.ok()) return true;
        }
        return false;
      };
      CoreDriver driver(small_options(4));
      EXPECT(driver.attach(std::make_unique<NonDurableDevice>(disk, random.next(), ~std::uint64_t{0}), false).ok());
      EXPECT(driver.report().damaged.empty());
      EXPECT(driver.get(other).value == "kept");
      const std::optional<std::string> old = driver.get(before).value;
      EXPECT(!old.has_value() || old == "old4" || old == "again");
      if (good(7)) EXPECT(old != "old4");
      if (good(8)) EXPECT(driver.get(after).value == "new");
      if (good(9)) EXPECT(old == "again");
      ++(old == "old4" ? undone : held);
      if (finished) break;
      EXPECT(lifetime < 500);
    }
  }
  std::printf("held %llu, undone %llu\n", static_cast<unsigned long long>(held), static_cast<unsigned long long>(undone));
  EXPECT(held > 20 && undone > 20);
}
