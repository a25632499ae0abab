// Index checkpoints: opening from one gives what reading the whole log gives, at any moment of a crash; a damaged one
// costs time and nothing else.
#include "core_driver.h"
#include "device/memory_device.h"
#include "device/non_durable_device.h"
#include "format/checkpoint.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;

namespace {

using Disk = std::shared_ptr<base::AlignedBuffer>;
using Model = std::map<std::string, std::string>;

OpenOptions small_options(std::uint64_t records = 300) {
  OpenOptions options;
  options.segment_bytes = 64U << 10U;
  options.partition_bits = 4;
  options.checkpoint_records = records;
  return options;
}

std::string key_name(std::uint64_t number) { return "key" + std::to_string(number); }

// Puts and removals, one after the other or several at once, until `count` were acknowledged.
void churn(CoreDriver& driver, Model& model, testing::Seeded& random, std::uint64_t keys, int count) {
  int in_flight = 0;
  for (int done = 0; done < count;) {
    const std::string key = key_name(random.below(keys));
    if (in_flight < 20) {
      const bool removal = random.chance(25);
      std::string value(random.below(600), static_cast<char>('a' + random.below(26)));
      const auto accepted = removal ? driver.remove(key, 1) : driver.put(key, value, 1);
      EXPECT(accepted.ok());
      ++in_flight;
      if (removal) {
        model.erase(key);
      } else {
        model[key] = std::move(value);
      }
    }
    if (random.chance(30)) driver.step();
    while (const auto completion = driver.poll()) {
      EXPECT(completion->status.ok());
      --in_flight;
      ++done;
    }
  }
  while (in_flight > 0) {
    driver.step();
    while (driver.poll()) --in_flight;
  }
}

void holds(CoreDriver& driver, const Model& model, std::uint64_t keys) {
  for (std::uint64_t k = 0; k < keys; ++k) {
    const Found found = driver.get(key_name(k));
    EXPECT(found.status.ok());
    const auto expected = model.find(key_name(k));
    EXPECT(found.value.has_value() == (expected != model.end()));
    if (expected != model.end()) EXPECT(*found.value == expected->second);
  }
  EXPECT(driver.core().stats().records == model.size());
}

Disk copy_of(const base::AlignedBuffer& disk) {
  auto copy = std::make_shared<base::AlignedBuffer>(disk.size());
  std::memcpy(copy->data(), disk.data(), disk.size());
  return copy;
}

}  // namespace

TEST("opening from a checkpoint gives what was there, through crashes and clean closes and compaction") {
  constexpr std::uint64_t kKeys = 1000;
  std::uint64_t used = 0;
  for (std::uint64_t seed = 0; seed < 15; ++seed) {
    testing::set_seed(seed);
    testing::Seeded random(seed);
    const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + (3U << 20U));
    Model model;
    for (int boot = 0; boot < 8; ++boot) {
      CoreDriver driver(small_options(100 + random.below(3000)));
      EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), boot == 0).ok());
      EXPECT(driver.report().damaged.empty() && driver.report().salvaged == 0);
      if (driver.report().from_checkpoint) ++used;
      holds(driver, model, kKeys);
      churn(driver, model, random, kKeys, static_cast<int>(200 + random.below(6000)));
      holds(driver, model, kKeys);
      if (random.chance(40)) EXPECT(driver.close().ok());
    }
  }
  std::printf("opened from a checkpoint %llu times of 105\n", static_cast<unsigned long long>(used));
  EXPECT(used > 30);
}

TEST("after a clean close little of the log is read again") {
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + (8U << 20U));
  testing::Seeded random(7);
  Model model;
  for (int boot = 0; boot < 3; ++boot) {
    CoreDriver driver(small_options());
    EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), boot == 0).ok());
    if (boot > 0) EXPECT(driver.report().from_checkpoint && driver.report().replayed_records < 300);
    holds(driver, model, 500);
    churn(driver, model, random, 500, 2000);
    EXPECT(driver.close().ok());
  }
}

TEST("a flip anywhere in a checkpoint is noticed, and the log gives everything") {
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + (8U << 20U));
  testing::Seeded random(9);
  Model model;
  {
    CoreDriver driver(small_options());
    EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
    churn(driver, model, random, 400, 3000);
    EXPECT(driver.close().ok());
  }
  std::uint64_t salt = 0;
  std::memcpy(&salt, disk->data() + 16, sizeof salt);
  std::uint64_t newest = 0;
  for (std::uint64_t at = kDataOffset; at + kPageBytes <= disk->size(); at += kBlockBytes) {
    Frame frame;
    if (!decode_page(disk->bytes().subspan(at, kPageBytes), at, salt, frame)) continue;
    if (frame.kind == FrameKind::kRootPage) newest = std::max(newest, frame.group);  // others were never completed
  }
  std::uint64_t pages = 0;
  for (std::uint64_t at = kDataOffset; at + kPageBytes <= disk->size(); at += kBlockBytes) {
    Frame frame;
    if (!decode_page(disk->bytes().subspan(at, kPageBytes), at, salt, frame) || frame.group != newest) continue;
    ++pages;
    for (int i = 0; i < 60; ++i) {
      const Disk copy = copy_of(*disk);
      const std::uint64_t flipped = at + (i < 40 ? random.below(200) : random.below(kPageBytes));
      copy->data()[flipped] = static_cast<std::uint8_t>(copy->data()[flipped] ^ (1U << random.below(8)));
      CoreDriver driver(small_options());
      EXPECT(driver.attach(std::make_unique<MemoryDevice>(copy), false).ok());
      EXPECT(driver.report().salvaged > 0 || !driver.report().from_checkpoint);
      EXPECT(driver.report().damaged.empty());
      if (i % 10 == 0) holds(driver, model, 400);
    }
  }
  EXPECT(pages >= 3);
}

TEST("power cuts while checkpoints are written lose nothing") {
  constexpr std::uint64_t kKeys = 300;
  std::uint64_t used = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    testing::set_seed(seed);
    testing::Seeded random(seed);
    const auto disk = std::make_shared<VolatileDisk>(2U << 20U);
    std::map<std::string, std::set<std::string>> allowed;  // "-": absent
    for (std::uint64_t k = 0; k < kKeys; ++k) allowed[key_name(k)] = {"-"};
    for (int boot = 0; boot < 6; ++boot) {
      std::optional<CoreDriver> powered(std::in_place, small_options(50 + random.below(800)));
      CoreDriver& driver = *powered;
      EXPECT(driver.attach(std::make_unique<NonDurableDevice>(disk, random.next(), ~std::uint64_t{0}), boot == 0).ok());
      EXPECT(driver.report().damaged.empty());
      if (driver.report().from_checkpoint) ++used;
      for (auto& [key, values] : allowed) {
        const Found found = driver.get(key);
        EXPECT(found.status.ok());
        const std::string seen = found.value.value_or("-");
        EXPECT(values.contains(seen));
        values = {seen};
      }
      std::map<std::uint64_t, std::pair<std::string, std::string>> open;
      const int turns = static_cast<int>(300 + random.below(3000));
      for (int turn = 0; turn < turns; ++turn) {
        const std::string key = key_name(random.below(kKeys));
        const bool removal = random.chance(25);
        const std::string value =
            removal ? "-" : std::to_string(seed) + ":" + std::to_string(turn) + std::string(random.below(300), 'v');
        const auto tag = static_cast<std::uint64_t>(turn) + 1;
        const auto accepted = removal ? driver.remove(key, tag) : driver.put(key, value, tag);
        if (accepted.ok()) {
          allowed[key].insert(value);
          open[tag] = {key, value};
        }
        driver.step();
        while (const auto completion = driver.poll()) {
          EXPECT(completion->status.ok());
          const auto [done, text] = open.at(completion->tag);
          open.erase(completion->tag);
          // Later writes of the key that are still open may also be there after a crash.
          std::set<std::string> now{text};
          for (const auto& [other, write] : open) {
            if (write.first == done) now.insert(write.second);
          }
          allowed[done] = now;
        }
      }
      powered.reset();  // what is with the device is cut short, too
      disk->power_cut(static_cast<CutMode>(random.below(kCutModes)), random);
    }
  }
  std::printf("opened from a checkpoint %llu times of 300\n", static_cast<unsigned long long>(used));
  EXPECT(used > 50);
}
