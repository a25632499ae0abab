// Compaction: nothing is lost or comes back while the log moves its records, space is gained again, and moving is cheap.
#include "blocking_client.h"
#include "core_driver.h"
#include "device/memory_device.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;
using base::Reason;

namespace {

// Sanitizers make this many times slower: there a fraction of the overwrites must do.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kPasses = 3;
#else
constexpr std::uint64_t kPasses = 20;
#endif

OpenOptions options_of(std::uint32_t segment_bytes) {
  OpenOptions options;
  options.segment_bytes = segment_bytes;
  options.partition_bits = 4;
  return options;
}

std::string key_name(std::uint64_t number) { return "key" + std::to_string(number); }

void drain(CoreDriver& driver, std::uint64_t& in_flight) {
  while (const auto completion = driver.poll()) {

    EXPECT(completion->status.ok());
    --in_flight;
  }
}

using Model = std::map<std::string, std::string>;

// Random overwrites and removals over `keys` keys until `bytes` were written, `depth` in flight.
void churn(CoreDriver& driver, Model& model, testing::Seeded& random, std::uint64_t keys, std::uint64_t bytes,
           std::uint32_t value_bytes, unsigned removals_percent, std::uint64_t depth = 16) {
  std::uint64_t in_flight = 0;
  for (std::uint64_t written = 0; written < bytes;) {
    const std::string key = key_name(random.below(keys));
    const bool removal = random.chance(removals_percent);
    std::string value(value_bytes / 2 + random.below(value_bytes), static_cast<char>('a' + random.below(26)));
    const auto accepted = removal ? driver.remove(key, 1) : driver.put(key, value, 1);
    if (accepted.ok()) {
      ++in_flight;
      written += value.size();
      if (removal) {
        model.erase(key);
      } else {
        model[key] = std::move(value);
      }
    } else {
      EXPECT(accepted.status().reason() == Reason::kOverloaded);
    }
    if (accepted.ok() && in_flight < depth) continue;
    do {
      driver.step();
      drain(driver, in_flight);
    } while (in_flight > depth / 2);
  }
  while (in_flight > 0) {
    driver.step();
    drain(driver, in_flight);
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
}

}  // namespace

TEST("a device kept seven tenths full takes 24 times its size of uniform overwrites at a write amplification below 2.5") {
  constexpr std::uint64_t kBytes = 32U << 20U;
  constexpr std::uint64_t kKeys = kBytes * 7 / 10 / 1104;
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + kBytes);
  CoreDriver driver(options_of(256U << 10U));
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
  testing::Seeded random(1);
  Model model;
  churn(driver, model, random, kKeys, 4 * kBytes, 1024, 0, 128);
  const EngineStats before = driver.core().stats();
  churn(driver, model, random, kKeys, kPasses * kBytes, 1024, 0, 128);
  const EngineStats after = driver.core().stats();
  // Without the seals that a slow machine's pauses add.
  const std::uint64_t written =
      after.written_bytes - before.written_bytes - kBlockBytes * (after.seals - before.seals);
  const double amplification =
      static_cast<double>(written) / static_cast<double>(after.user_bytes - before.user_bytes);
  std::printf("write amplification %.2f, live %.0f %%\n", amplification,
              100.0 * static_cast<double>(after.record_bytes) / static_cast<double>(kBytes));
  EXPECT(amplification < 2.5);
  holds(driver, model, kKeys);
}

TEST("what compaction moved is found again after a crash and after a clean close, and what was removed stays away") {
  constexpr std::uint64_t kBytes = 4U << 20U;
  constexpr std::uint64_t kKeys = 1500;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    testing::set_seed(seed);
    testing::Seeded random(seed);
    const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + kBytes);
    Model model;
    for (int boot = 0; boot < 4; ++boot) {
      CoreDriver driver(options_of(64U << 10U));
      EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), boot == 0).ok());
      EXPECT(driver.report().damaged.empty() && driver.report().salvaged == 0);
      holds(driver, model, kKeys);
      churn(driver, model, random, kKeys, 2 * kBytes, 800, 30);
      EXPECT(driver.core().stats().moved_bytes > 0);
      holds(driver, model, kKeys);
      if (boot % 2 == 1) EXPECT(driver.close().ok());
    }
  }
}

TEST("removals end once nothing is left for them to hide") {
  constexpr std::uint64_t kBytes = 4U << 20U;
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + kBytes);
  CoreDriver driver(options_of(64U << 10U));
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
  // Keys come and go: removals of keys that never return would fill the device if they stayed.
  std::uint64_t in_flight = 0;
  for (std::uint64_t k = 0; k < 60000; ++k) {
    const std::string key = key_name(k);
    while (!driver.put(key, std::string(200, 'v'), 1).ok()) {
      driver.step();
      drain(driver, in_flight);
    }
    ++in_flight;
    while (!driver.remove(key, 1).ok()) {
      driver.step();
      drain(driver, in_flight);
    }
    ++in_flight;
    if (in_flight > 64) driver.step();
    drain(driver, in_flight);
  }
  while (in_flight > 0) {
    driver.step();
    drain(driver, in_flight);
  }
  EXPECT(driver.core().stats().records == 0);
  EXPECT(driver.put("again", std::string(3000, 'x'), 1).ok());
  EXPECT(driver.wait().status.ok());
}

TEST("large values on few segments are refused in time and never stop the engine") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    testing::set_seed(seed);
    testing::Seeded random(seed);
    const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + ((4 + random.below(8)) << 16U));
    CoreDriver driver(options_of(64U << 10U));
    EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
    Model model;
    for (int i = 0; i < 400; ++i) {
      const std::string key = key_name(random.below(12));
      const std::string value(1 + random.below(random.chance(50) ? 44000 : 3000), static_cast<char>('a' + i % 26));
      const auto accepted = random.chance(15) ? driver.remove(key, 1) : driver.put(key, value, 1);
      if (!accepted.ok()) {
        EXPECT(accepted.status().reason() == Reason::kDeviceFull || accepted.status().reason() == Reason::kOverloaded ||
               accepted.status().reason() == Reason::kValueTooLarge);
        continue;
      }
      EXPECT(driver.wait().status.ok());
    }
    EXPECT(!driver.core().failed());
  }
}
