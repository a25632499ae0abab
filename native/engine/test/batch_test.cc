// Batches: there as a whole or not at all, whatever is torn, and refused as a whole.
#include "device/memory_device.h"
#include "device/non_durable_device.h"
#include "small_image.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;
using base::Reason;

namespace {

using Write = CoreDriver::Write;

std::vector<Write> numbered(int count, const std::string& value) {
  std::vector<Write> writes;
  for (int i = 0; i < count; ++i) writes.push_back({key_name(static_cast<std::uint64_t>(i)), value});
  return writes;
}

}  // namespace

TEST("a batch completes once, takes sequences without a gap, and is found after a crash and a clean close") {
  const auto disk = new_disk();
  for (int boot = 0; boot < 3; ++boot) {
    CoreDriver driver(small_options());
    EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), boot == 0).ok());
    EXPECT(driver.report().damaged.empty() && driver.report().salvaged == 0);
    if (boot > 0) {
      EXPECT(driver.get("key0").value == "last" && driver.get("key7").value == "value" && driver.report().record_count == 9);
      EXPECT(!driver.get("key8").value.has_value());
    }
    put(driver, "key8", "to be removed");
    std::vector<Write> writes = numbered(8, "value");
    writes.push_back({"key8", std::nullopt});
    writes.push_back({"key0", "last"});
    writes.push_back({"key0", "elsewhere", 2});
    const auto first = driver.batch(writes, 5);
    EXPECT(first.ok());
    EXPECT(driver.put("behind", "v", 6, 2).value() == first.value() + writes.size());
    const Completion done = driver.wait();
    EXPECT(done.tag == 5 && done.status.ok() && done.sequence == first.value() + writes.size() - 1);
    EXPECT(driver.wait().tag == 6);
    EXPECT(driver.get("key0").value == "last" && driver.get("key0", 2).value == "elsewhere");
    EXPECT(driver.drop(2, partition_of_key("behind"), 1).ok() && driver.wait().status.ok());
    EXPECT(driver.drop(2, partition_of_key("key0"), 1).ok() && driver.wait().status.ok());
    put(driver, "behind", "v", 2);
    if (boot == 1) EXPECT(driver.close().ok());
  }
}

TEST("a batch is refused as a whole, and nothing of it is taken") {
  CoreDriver driver(small_options());
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(new_disk()), true).ok());
  const std::uint64_t next = driver.put("before", "v", 1).value() + 1;
  EXPECT(driver.wait().status.ok());
  std::vector<Write> writes = numbered(3, "v");
  writes.push_back({"", "v"});
  EXPECT(driver.batch(writes, 1).status().reason() == Reason::kKeyEmpty);
  writes.back().key = std::string(1025, 'k');
  EXPECT(driver.batch(writes, 1).status().reason() == Reason::kKeyTooLarge);
  EXPECT(driver.batch({}, 1).status().reason() == Reason::kArgumentInvalid);
  EXPECT(driver.batch(numbered(4097, "v"), 1).status().reason() == Reason::kArgumentInvalid);
  const std::uint32_t most = driver.core().batch_bytes_max();
  const auto each = static_cast<std::size_t>(most / 4 / 16 * 16 - 52);
  EXPECT(driver.batch(numbered(4, std::string(each + 16, 'v')), 1).status().reason() == Reason::kValueTooLarge);
  EXPECT(driver.batch(numbered(4, std::string(each, 'v')), 1).value() == next);
  EXPECT(driver.wait().status.ok() && driver.get("key3").value->size() == each);
  // A single write may be as large as ever.
  EXPECT(driver.batch({{"one", std::string(driver.core().value_bytes_max(), 'v')}}, 1).value() == next + 4);
  EXPECT(driver.wait().status.ok());
  // A full image takes no part of one.
  for (std::uint64_t i = 0; driver.put("fill" + std::to_string(i), std::string(3000, 'f'), 1).ok(); ++i) driver.wait();
  EXPECT(driver.batch(numbered(8, std::string(3000, 'n')), 1).status().reason() == Reason::kDeviceFull);
  std::vector<Write> removals;
  for (int i = 0; i < 20; ++i) removals.push_back({"fill" + std::to_string(i), std::nullopt});
  EXPECT(driver.batch(removals, 1).ok() && driver.wait().status.ok());
  EXPECT(driver.get("key0").value->size() == each && !driver.get("fill7").value.has_value());
}

TEST("many batches share groups, and every one is whole whatever the queue does") {
  CoreDriver driver(small_options());
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(new_disk(32)), true).ok());
  std::uint64_t open = 0;
  for (int round = 0; round < 400; ++round) {
    const auto accepted = driver.batch(numbered(1 + round % 97, "round " + std::to_string(round)), 1);
    EXPECT(accepted.ok() || accepted.status().reason() == Reason::kOverloaded);
    open += accepted.ok() ? 1 : 0;
    if (round % 7 == 0) driver.step();
    while (driver.poll()) --open;
    if (!accepted.ok()) driver.step();
  }
  for (; open > 0; --open) EXPECT(driver.wait().status.ok());
  EXPECT(driver.core().stats().groups < 300);
}

TEST("of a batch whose group is torn nothing is left, whichever of its blocks are missing") {
  std::uint64_t whole = 0;
  std::uint64_t none = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    testing::set_seed(seed);
    testing::Seeded random(seed);
    const auto disk = std::make_shared<VolatileDisk>(kDataOffset + (std::size_t{8} << 16U));
    const int count = 2 + static_cast<int>(random.below(30));
    bool acknowledged = false;
    {
      CoreDriver driver(small_options());
      EXPECT(driver.attach(std::make_unique<NonDurableDevice>(disk, random.next(), ~std::uint64_t{0}), true).ok());
      put(driver, "before", "kept");
      EXPECT(driver.put("beside", "single", 1).ok());
      EXPECT(driver.batch(numbered(count, std::string(1000, 'n')), 2).ok());
      EXPECT(driver.put("beside2", "single", 3).ok());
      driver.step();
      if (random.chance(10)) driver.step();
      while (const auto completion = driver.poll()) acknowledged = acknowledged || completion->tag == 2;
    }
    disk->power_cut(static_cast<CutMode>(random.below(kCutModes)), random);
    // Twice: the first opening writes again what it found, and the second reads that, perhaps after another cut.
    for (int boot = 0; boot < 2; ++boot) {
      CoreDriver driver(small_options());
      EXPECT(driver.attach(std::make_unique<NonDurableDevice>(disk, random.next(), ~std::uint64_t{0}), false).ok());
      EXPECT(driver.report().damaged.empty() && driver.get("before").value == "kept");
      int found = 0;
      for (int i = 0; i < count; ++i) found += driver.get(key_name(static_cast<std::uint64_t>(i))).value.has_value();
      EXPECT(found == 0 || found == count);
      EXPECT(!acknowledged || found == count);
      if (boot == 0) ++(found == 0 ? none : whole);
    }
  }
  std::printf("whole %llu, none %llu\n", static_cast<unsigned long long>(whole), static_cast<unsigned long long>(none));
  EXPECT(whole > 20 && none > 20);
}

TEST("records of a batch are moved one by one, and what is newer than some of them stays") {
  const auto disk = new_disk(12);
  testing::Seeded random(3);
  std::map<std::string, std::string> model;
  for (int boot = 0; boot < 4; ++boot) {
    CoreDriver driver(small_options());
    EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), boot == 0).ok());
    EXPECT(driver.report().damaged.empty() && driver.report().salvaged == 0);
    for (const auto& [key, value] : model) EXPECT(driver.get(key).value == value);
    for (int round = 0; round < 400; ++round) {
      std::vector<Write> writes;
      for (int i = 0; i < 6; ++i) {
        const std::string key = key_name(random.below(120));
        writes.push_back({key, std::string(1500, static_cast<char>('a' + round % 26)) + std::to_string(boot)});
        model[key] = *writes.back().value;
      }
      EXPECT(driver.batch(writes, 1).ok() && driver.wait().status.ok());
    }
    EXPECT(driver.core().stats().moved_bytes > 0);
    if (boot % 2 == 1) EXPECT(driver.close().ok());
  }
}
