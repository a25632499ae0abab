// Power cuts against a model: no acknowledged write is lost, none is invented, and a torn tail is never called damage.
#include <chrono>
#include <thread>

#include "core_driver.h"
#include "device/non_durable_device.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;

namespace {

using Value = std::optional<std::string>;

// What each key may hold after a crash: its last acknowledged value, or one that was accepted after it.
class Model {
 public:
  void accepted(std::uint64_t tag, const std::string& key, Value value) {
    open_[tag] = key;
    histories_[key].push_back({tag, std::move(value)});
  }
  void acknowledged(std::uint64_t tag) {
    const auto found = open_.find(tag);
    EXPECT(found != open_.end());
    std::vector<Entry>& history = histories_[found->second];
    while (history.front().tag != tag) history.erase(history.begin());
    open_.erase(found);
  }
  void check(const std::string& key, const Value& seen) const {
    const auto found = histories_.find(key);
    if (found == histories_.end()) {
      EXPECT(!seen.has_value());
      return;
    }
    bool allowed = found->second.front().tag > 0 && !acknowledged_.contains(key) && !seen.has_value();
    for (const Entry& entry : found->second) allowed = allowed || entry.value == seen;
    EXPECT(allowed);
  }
  /// The disk speaks: what it holds now is durable.
  void settle(const std::string& key, const Value& seen) {
    histories_[key] = {{0, seen}};
    acknowledged_.insert(key);
  }
  void crash() { open_.clear(); }
  void note_acknowledged(const std::string& key) { acknowledged_.insert(key); }
  [[nodiscard]] const std::string& key_of(std::uint64_t tag) const { return open_.at(tag); }

 private:
  struct Entry {
    std::uint64_t tag;
    Value value;
  };
  std::map<std::string, std::vector<Entry>> histories_;
  std::map<std::uint64_t, std::string> open_;
  std::set<std::string> acknowledged_;
};

OpenOptions small_options() {
  OpenOptions options;
  options.segment_bytes = 64U << 10U;
  options.partition_bits = 2;
  return options;
}

std::string key_name(std::uint64_t number) { return "key" + std::to_string(number); }

struct Totals {
  std::uint64_t cuts = 0;
  std::uint64_t cuts_in_recovery = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t ambiguous = 0;
  std::uint64_t sealed = 0;
  std::uint64_t freed = 0;
};

constexpr std::uint64_t kKeys = 24;
constexpr std::uint64_t kForever = ~std::uint64_t{0};

// One life of a disk: several boots, each ended by a power cut (or cleanly), recovery sometimes cut short as well.
void live(std::uint64_t seed, CutMode mode, Totals& totals) {
  testing::set_seed(seed);
  testing::Seeded random(seed);
  const auto disk = std::make_shared<VolatileDisk>(2U << 20U);
  Model model;
  std::uint64_t tag = 0;
  bool fresh = true;
  bool closed_cleanly = false;
  for (int boot = 0; boot < 6; ++boot) {
    std::optional<CoreDriver> driver;
    for (;;) {
      driver.emplace(small_options());
      const bool doomed = !fresh && random.chance(30);
      const base::Status status = driver->attach(
          std::make_unique<NonDurableDevice>(disk, random.next(), doomed ? random.below(200) : kForever), fresh);
      if (status.ok() && !doomed) break;
      // Power went during recovery, or right after it.
      driver.reset();
      disk->power_cut(static_cast<CutMode>(random.below(kCutModes)), random);
      ++totals.cuts;
      ++totals.cuts_in_recovery;
      closed_cleanly = false;
    }
    const OpenReport& report = driver->report();
    EXPECT(report.damaged.empty());
    if (closed_cleanly) EXPECT(report.clean && report.tail == Tail::kSealed && report.salvaged == 0);
    ++(report.tail == Tail::kAmbiguous ? totals.ambiguous : totals.sealed);
    for (std::uint64_t k = 0; k < kKeys; ++k) {
      const Found found = driver->get(key_name(k));
      EXPECT(found.status.ok());
      model.check(key_name(k), found.value);
      model.settle(key_name(k), found.value);
    }
    fresh = false;

    const std::uint64_t turns = 20 + random.below(300);
    for (std::uint64_t turn = 0; turn < turns; ++turn) {
      const std::string key = key_name(random.below(kKeys));
      if (random.chance(40)) {
        ++tag;
        const bool removal = random.chance(20);
        std::string value = std::to_string(tag) + ":";
        value.resize(value.size() + (random.chance(5) ? random.below(40000) : random.below(3000)), 'v');
        const auto accepted = removal ? driver->remove(key, tag) : driver->put(key, value, tag);
        if (accepted.ok()) model.accepted(tag, key, removal ? Value() : Value(value));
      }
      if (random.chance(2)) std::this_thread::sleep_for(std::chrono::milliseconds(kSealDelayMs / 2 + 1));
      driver->step();
      while (const auto completion = driver->poll()) {
        EXPECT(completion->status.ok());
        model.note_acknowledged(model.key_of(completion->tag));
        model.acknowledged(completion->tag);
        ++totals.acknowledged;
      }
    }
    closed_cleanly = random.chance(15);
    if (closed_cleanly) {
      EXPECT(driver->close().ok());
      while (const auto completion = driver->poll()) {
        EXPECT(completion->status.ok());
        model.note_acknowledged(model.key_of(completion->tag));
        model.acknowledged(completion->tag);
      }
      // An end that was ambiguous at open and never written behind stays so.
      closed_cleanly = report.tail == Tail::kSealed;
    }
    driver.reset();
    model.crash();
    disk->power_cut(mode, random);
    ++totals.cuts;
  }
}

void lives(CutMode mode, std::uint64_t first_seed) {
  Totals totals;
  for (std::uint64_t seed = 0; seed < 25; ++seed) live(first_seed + seed, mode, totals);
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
