// Writes of every kind against a model, through power cuts, compaction and checkpoints.
#include "device/memory_device.h"
#include "device/non_durable_device.h"
#include "small_image.h"
#include "testing/check.h"
#include "testing/seeded.h"
#include "torture/op_model.h"

using namespace ferrite;
using namespace ferrite::engine;
using base::Reason;
using torture::OpModel;

namespace {

constexpr std::uint32_t kKeyspaces = 2;
constexpr std::uint64_t kKeys = 40;

// Sanitizers make this many times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kLives = 8;
#else
constexpr std::uint64_t kLives = 40;
#endif

/// One life of a disk: boots that end by a power cut or cleanly, and writes of every kind in between.
class Life {
 public:
  explicit Life(std::uint64_t seed)
      : random_(seed),
        disk_(std::make_shared<VolatileDisk>(kDataOffset + ((8 + random_.below(16)) << 16U))),
        checkpoint_records_(random_.chance(70) ? 20 + random_.below(200) : 0),
        value_bytes_(random_.chance(60) ? 5000 : 300),
        expire_(random_.chance(50)),
        model_(all_keys()) {
    disk_->allocates_on_write = random_.chance(30);
  }

  std::uint64_t moved = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t dropped = 0;
  std::uint64_t batches = 0;
  std::uint64_t expired = 0;

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
      expired += driver_->core().stats().expired;
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
      OpenOptions options = small_options(checkpoint_records_);
      options.expire = expire_;
      driver_.emplace(options);
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
      write_batch();
    } else if (random_.chance(15)) {
      changes.emplace_back(full_name(keyspace, key), std::nullopt);
      take(driver_->remove(key, tag_, keyspace), std::move(changes), false);
    } else {
      std::string value = new_value();
      // A record whose time is long past hides what was there, and is not there itself.
      const bool ended = expire_ && random_.chance(25);
      const auto accepted = driver_->put(key, value, tag_, keyspace, ended ? 1 : 0);
      changes.emplace_back(full_name(keyspace, key), ended ? std::nullopt : OpModel::Value(std::move(value)));
      take(accepted, std::move(changes), false);
    }
  }

  void write_batch() {
    std::vector<CoreDriver::Write> writes(1 + random_.below(random_.chance(20) ? 60 : 6));
    std::map<std::string, OpModel::Value> last;
    for (CoreDriver::Write& write : writes) {
      write.keyspace = 1 + static_cast<std::uint32_t>(random_.below(kKeyspaces));
      write.key = key_name(random_.below(kKeys));
      if (!random_.chance(20)) write.value = new_value();
      last[full_name(write.keyspace, write.key)] = write.value;
    }
    const auto accepted = driver_->batch(writes, tag_);
    if (!accepted.ok() && accepted.status().reason() == Reason::kValueTooLarge) return;
    if (take(accepted, {last.begin(), last.end()}, true)) ++batches;
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
  /// Half of the lives have an engine that ends records by time.
  const bool expire_;
  OpModel model_;
  std::optional<CoreDriver> driver_;
  std::uint64_t tag_ = 0;
  std::uint64_t values_ = 0;
  bool closed_ = false;
};

}  // namespace

TEST("puts, removals, drops, batches and ends by time survive power cuts as the model says") {
  std::uint64_t moved = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t dropped = 0;
  std::uint64_t batches = 0;
  std::uint64_t expired = 0;
  for (std::uint64_t seed = 0; seed < kLives; ++seed) {
    testing::set_seed(seed);
    Life life(seed);
    life.run();
    moved += life.moved;
    checkpoints += life.checkpoints;
    dropped += life.dropped;
    batches += life.batches;
    expired += life.expired;
  }
  std::printf("moved %llu bytes, checkpoints %llu, drops %llu, batches %llu, expired %llu\n",
              static_cast<unsigned long long>(moved),
              static_cast<unsigned long long>(checkpoints), static_cast<unsigned long long>(dropped),
              static_cast<unsigned long long>(batches), static_cast<unsigned long long>(expired));
  EXPECT(moved > 0 && checkpoints > kLives && dropped > kLives && batches > kLives && expired > 0);
}
