#include "torture/power_cuts.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "core_driver.h"
#include "testing/check.h"
#include "torture/model.h"

namespace ferrite::engine::torture {
namespace {

constexpr std::uint64_t kForever = ~std::uint64_t{0};
constexpr int kBoots = 6;
constexpr std::uint64_t kDoomedPercent = 30;
constexpr std::uint64_t kDoomedRequests = 200;
/// Turns before a cut within which work in the background counts as cut short.
constexpr std::uint64_t kJustNow = 8;

struct Workload {
  std::uint64_t keys;
  std::uint32_t keyspaces;
  std::uint64_t removals_percent;
  std::uint64_t large_percent;
  std::uint64_t value_bytes;
  std::uint64_t turns;
  std::size_t disk_bytes;
  bool allocates;
  std::uint64_t checkpoint_records;
};

Workload choose(testing::Seeded& random) {
  static constexpr std::uint64_t kKeys[] = {3, 24, 24, 150};
  Workload work{};
  work.keys = kKeys[random.below(4)];
  work.keyspaces = 1 + static_cast<std::uint32_t>(random.below(3));
  work.removals_percent = random.chance(25) ? 50 : 15;
  work.large_percent = random.chance(25) ? 0 : 5;
  work.value_bytes = random.chance(50) ? 3000 : 300;
  work.turns = random.chance(30) ? 900 : 250;
  // Sixteen to thirty segments: the smaller ones fill up.
  work.disk_bytes = kDataOffset + ((random.chance(40) ? std::size_t{16} : std::size_t{30}) << 16U);
  work.allocates = random.chance(30);
  work.checkpoint_records = random.chance(70) ? 20 + random.below(200) : 0;
  return work;
}

OpenOptions options_of(const Workload& work) {
  OpenOptions options;
  options.segment_bytes = 64U << 10U;
  options.partition_bits = 2;
  options.checkpoint_records = work.checkpoint_records;
  return options;
}

class Life {
 public:
  Life(std::uint64_t seed, CutMode mode, Totals& totals)
      : random_(seed), mode_(mode), totals_(totals), work_(choose(random_)),
        disk_(std::make_shared<VolatileDisk>(work_.disk_bytes)) {
    disk_->allocates_on_write = work_.allocates;
  }

  void run() {
    bool fresh = true;
    for (int boot = 0; boot < kBoots; ++boot) {
      power_on(fresh);
      fresh = false;
      look();
      load();
      power_off();
    }
  }

 private:
  static std::string key_name(std::uint64_t number) { return "key" + std::to_string(number); }
  static std::string full_name(std::uint32_t keyspace, const std::string& key) {
    return std::to_string(keyspace) + "/" + key;
  }

  void power_on(bool fresh) {
    for (;;) {
      driver_.emplace(options_of(work_));
      const bool doomed = !fresh && random_.chance(kDoomedPercent);
      const base::Status status = driver_->attach(
          std::make_unique<NonDurableDevice>(disk_, random_.next(), doomed ? random_.below(kDoomedRequests) : kForever),
          fresh);
      if (!doomed) {
        EXPECT(status.ok());
        return;
      }
      // Power went during recovery, or right after it.
      driver_.reset();
      disk_->power_cut(static_cast<CutMode>(random_.below(kCutModes)), random_);
      ++totals_.cuts;
      ++totals_.cuts_in_recovery;
      closed_cleanly_ = false;
    }
  }

  void look() {
    const OpenReport& report = driver_->report();
    EXPECT(report.damaged.empty());
    if (closed_cleanly_) EXPECT(report.clean && report.tail == Tail::kSealed && report.salvaged == 0);
    ++(report.tail == Tail::kAmbiguous ? totals_.ambiguous : totals_.sealed);
    if (report.from_checkpoint) ++totals_.from_checkpoint;
    for (std::uint32_t keyspace = 1; keyspace <= work_.keyspaces; ++keyspace) {
      for (std::uint64_t number = 0; number < work_.keys; ++number) {
        const std::string key = key_name(number);
        const Found found = driver_->get(key, keyspace);
        EXPECT(found.status.ok());
        EXPECT(model_.allows(full_name(keyspace, key), found.value));
        model_.settle(full_name(keyspace, key), found.value);
      }
    }
  }

  void load() {
    const std::uint64_t turns = 20 + random_.below(work_.turns);
    EngineStats before;
    for (std::uint64_t turn = 0; turn < turns; ++turn) {
      if (turn + kJustNow == turns) before = driver_->core().stats();
      if (random_.chance(40)) write();
      if (random_.chance(1)) driver_->pass(std::chrono::milliseconds(kSealDelayMs / 2 + 1));
      driver_->step();
      collect();
    }
    const EngineStats after = driver_->core().stats();
    if (after.moved_bytes > before.moved_bytes) ++totals_.cuts_in_compaction;
    if (after.checkpoint_bytes > before.checkpoint_bytes) ++totals_.cuts_in_checkpoint;
  }

  void write() {
    const auto keyspace = 1 + static_cast<std::uint32_t>(random_.below(work_.keyspaces));
    const std::string key = key_name(random_.below(work_.keys));
    ++tag_;
    Value value;
    if (!random_.chance(work_.removals_percent)) {
      value = std::to_string(tag_) + ":";
      const std::uint64_t more = random_.below(random_.chance(work_.large_percent) ? 30000 : work_.value_bytes);
      value->resize(value->size() + more, 'v');
    }
    const auto accepted =
        value.has_value() ? driver_->put(key, *value, tag_, keyspace) : driver_->remove(key, tag_, keyspace);
    if (accepted.ok()) {
      model_.accepted(tag_, full_name(keyspace, key), std::move(value));
    } else {
      EXPECT(accepted.status().reason() == base::Reason::kDeviceFull ||
             accepted.status().reason() == base::Reason::kOverloaded);
      ++totals_.refused;
    }
  }

  void collect() {
    while (const auto completion = driver_->poll()) {
      EXPECT(completion->status.ok());
      model_.acknowledged(completion->tag);
      ++totals_.acknowledged;
    }
  }

  void power_off() {
    closed_cleanly_ = random_.chance(15);
    if (closed_cleanly_) {
      EXPECT(driver_->close().ok());
      collect();
      // An end that was ambiguous at open and never written behind stays so.
      closed_cleanly_ = driver_->report().tail == Tail::kSealed;
    }
    driver_.reset();
    model_.crash();
    disk_->power_cut(mode_, random_);
    ++totals_.cuts;
  }

  testing::Seeded random_;
  const CutMode mode_;
  Totals& totals_;
  const Workload work_;
  const std::shared_ptr<VolatileDisk> disk_;
  std::optional<CoreDriver> driver_;
  Model model_;
  std::uint64_t tag_ = 0;
  bool closed_cleanly_ = false;
};

}  // namespace

void live(std::uint64_t seed, CutMode mode, Totals& totals) {
  testing::set_seed(seed);
  Life(seed, mode, totals).run();
  ++totals.seeds;
}

}  // namespace ferrite::engine::torture
