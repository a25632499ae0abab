// Operations on many records: partitions dropped as a whole. Against a model, through crashes, compaction and
// checkpoints.
#include "core_driver.h"
#include "device/memory_device.h"
#include "device/non_durable_device.h"
#include "testing/check.h"
#include "testing/seeded.h"
#include "torture/op_model.h"

using namespace ferrite;
using namespace ferrite::engine;
using base::Reason;
using torture::OpModel;

namespace {

constexpr std::uint32_t kBits = 2;
constexpr std::uint32_t kKeyspaces = 2;
constexpr std::uint64_t kKeys = 40;

// Sanitizers make this many times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kLives = 8;
#else
constexpr std::uint64_t kLives = 40;
#endif

OpenOptions small_options(std::uint64_t checkpoint_records = 0) {
  OpenOptions options;
  options.segment_bytes = 64U << 10U;
  options.partition_bits = kBits;
  options.checkpoint_records = checkpoint_records;
  return options;
}

std::shared_ptr<base::AlignedBuffer> new_disk(std::size_t segments = 16) {
  return std::make_shared<base::AlignedBuffer>(kDataOffset + (segments << 16U));
}

std::string key_name(std::uint64_t number) { return "key" + std::to_string(number); }
std::uint32_t partition_of_key(const std::string& key) { return partition_of(key_hash(bytes_of(key)), kBits); }

/// A key of each partition, "<name>0" and so on.
std::string key_in(std::uint32_t partition, const std::string& name) {
  for (int i = 0;; ++i) {
    const std::string key = name + std::to_string(i);
    if (partition_of_key(key) == partition) return key;
  }
}

void put(CoreDriver& driver, const std::string& key, const std::string& value, std::uint32_t keyspace = 1) {
  EXPECT(driver.put(key, value, 1, keyspace).ok());
  EXPECT(driver.wait().status.ok());
}

void drop(CoreDriver& driver, std::uint32_t keyspace, std::uint32_t partition) {
  EXPECT(driver.drop(keyspace, partition, 1).ok());
  EXPECT(driver.wait().status.ok());
}

}  // namespace

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
      const OpModel::Value old = driver.get(before).value;
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

namespace {

/// One life of a disk: boots that end by a power cut or cleanly, and writes of every kind in between.
class Life {
 public:
  explicit Life(std::uint64_t seed)
      : random_(seed),
        disk_(std::make_shared<VolatileDisk>(kDataOffset + ((12 + random_.below(20)) << 16U))),
        checkpoint_records_(random_.chance(70) ? 20 + random_.below(200) : 0),
        value_bytes_(random_.chance(50) ? 3000 : 300),
        model_(all_keys()) {
    disk_->allocates_on_write = random_.chance(30);
  }

  std::uint64_t moved = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t dropped = 0;

  void run() {
    for (int boot = 0; boot < 6; ++boot) {
      power_on(boot == 0);
      model_.crashed(content());
      load();
      closed_ = random_.chance(20);
      if (closed_) {
        EXPECT(driver_->close().ok());
        collect();
      }
      moved += driver_->core().stats().moved_bytes;
      checkpoints += driver_->core().stats().checkpoints;
      driver_.reset();
      cut();
    }
  }

 private:
  static std::vector<std::string> all_keys() {
    std::vector<std::string> names;
    for (std::uint32_t keyspace = 1; keyspace <= kKeyspaces; ++keyspace) {
      for (std::uint64_t k = 0; k < kKeys; ++k) names.push_back(full_name(keyspace, key_name(k)));
    }
    return names;
  }
  static std::string full_name(std::uint32_t keyspace, const std::string& key) {
    return std::to_string(keyspace) + "/" + key;
  }
  void cut() { disk_->power_cut(static_cast<CutMode>(random_.below(kCutModes)), random_); }

  void power_on(bool fresh) {
    for (;;) {
      driver_.emplace(small_options(checkpoint_records_));
      const bool doomed = !fresh && random_.chance(30);
      const base::Status status = driver_->attach(
          std::make_unique<NonDurableDevice>(disk_, random_.next(), doomed ? random_.below(200) : ~std::uint64_t{0}),
          fresh);
      if (!doomed) {
        EXPECT(status.ok() && driver_->report().damaged.empty());
        if (closed_ && driver_->report().tail == Tail::kSealed) EXPECT(driver_->report().salvaged == 0);
        return;
      }
      driver_.reset();
      cut();
      closed_ = false;
    }
  }

  OpModel::Content content() {
    OpModel::Content seen;
    std::map<std::uint32_t, std::uint64_t> counts;
    for (std::uint32_t keyspace = 1; keyspace <= kKeyspaces; ++keyspace) {
      for (std::uint64_t k = 0; k < kKeys; ++k) {
        const Found found = driver_->get(key_name(k), keyspace);
        EXPECT(found.status.ok());
        seen[full_name(keyspace, key_name(k))] = found.value;
      }
      // A scan agrees with the gets.
      std::uint64_t there = 0;
      for (std::uint32_t partition = 0; partition < 1U << kBits; ++partition) {
        for (const auto& [key, value] : driver_->scan(keyspace, partition)) {
          EXPECT(seen.at(full_name(keyspace, key)) == value);
          ++there;
        }
      }
      for (std::uint64_t k = 0; k < kKeys; ++k) there -= seen.at(full_name(keyspace, key_name(k))).has_value();
      EXPECT(there == 0);
    }
    return seen;
  }

  void load() {
    const std::uint64_t turns = 50 + random_.below(random_.chance(40) ? 1500 : 300);
    for (std::uint64_t turn = 0; turn < turns; ++turn) {
      if (random_.chance(45)) write();
      driver_->step();
      collect();
      if (random_.chance(1)) look();
    }
  }

  // While the engine lives, everything accepted is seen.
  void look() {
    const auto keyspace = 1 + static_cast<std::uint32_t>(random_.below(kKeyspaces));
    const std::string key = key_name(random_.below(kKeys));
    EXPECT(driver_->core().submit_get(driver_->client(), keyspace, bytes_of(key), 0).ok());
    const OpModel::Value expected = model_.last(full_name(keyspace, key));
    for (;;) {
      Completion completion = driver_->wait();
      if (completion.kind != OpKind::kGet) {
        EXPECT(completion.status.ok());
        model_.acknowledged(completion.tag);
        continue;
      }
      RecordView view;
      const bool found = completion.status.ok() && completion.records.next(view);
      EXPECT(found == expected.has_value());
      if (found) EXPECT(text_of(view.value) == *expected);
      return;
    }
  }

  void write() {
    const auto keyspace = 1 + static_cast<std::uint32_t>(random_.below(kKeyspaces));
    const std::string key = key_name(random_.below(kKeys));
    ++tag_;
    OpModel::Changes changes;
    if (random_.chance(5)) {
      const auto partition = static_cast<std::uint32_t>(random_.below(1U << kBits));
      for (std::uint64_t k = 0; k < kKeys; ++k) {
        if (partition_of_key(key_name(k)) == partition) changes.emplace_back(full_name(keyspace, key_name(k)), std::nullopt);
      }
      if (take(driver_->drop(keyspace, partition, tag_), std::move(changes), false)) ++dropped;
    } else if (random_.chance(15)) {
      changes.emplace_back(full_name(keyspace, key), std::nullopt);
      take(driver_->remove(key, tag_, keyspace), std::move(changes), false);
    } else {
      std::string value = new_value();
      const auto accepted = driver_->put(key, value, tag_, keyspace);
      changes.emplace_back(full_name(keyspace, key), std::move(value));
      take(accepted, std::move(changes), false);
    }
  }

  std::string new_value() {
    std::string value = std::to_string(++values_) + ":";
    value.resize(value.size() + random_.below(value_bytes_), 'v');
    return value;
  }

  bool take(const base::Result<std::uint64_t>& accepted, OpModel::Changes changes, bool whole) {
    if (accepted.ok()) {
      model_.accepted(tag_, std::move(changes), whole);
    } else {
      const Reason reason = accepted.status().reason();
      EXPECT(reason == Reason::kDeviceFull || reason == Reason::kOverloaded);
    }
    return accepted.ok();
  }

  void collect() {
    while (const auto completion = driver_->poll()) {
      EXPECT(completion->status.ok());
      model_.acknowledged(completion->tag);
    }
  }

  testing::Seeded random_;
  const std::shared_ptr<VolatileDisk> disk_;
  const std::uint64_t checkpoint_records_;
  const std::uint64_t value_bytes_;
  OpModel model_;
  std::optional<CoreDriver> driver_;
  std::uint64_t tag_ = 0;
  std::uint64_t values_ = 0;
  bool closed_ = false;
};

}  // namespace

TEST("puts, removals and drops survive power cuts as the model says") {
  std::uint64_t moved = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t dropped = 0;
  for (std::uint64_t seed = 0; seed < kLives; ++seed) {
    testing::set_seed(seed);
    Life life(seed);
    life.run();
    moved += life.moved;
    checkpoints += life.checkpoints;
    dropped += life.dropped;
  }
  std::printf("moved %llu bytes, checkpoints %llu, drops %llu\n", static_cast<unsigned long long>(moved),
              static_cast<unsigned long long>(checkpoints), static_cast<unsigned long long>(dropped));
  EXPECT(moved > 0 && checkpoints > kLives && dropped > kLives);
}
