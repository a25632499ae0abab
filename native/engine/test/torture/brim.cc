#include "torture/brim.h"

#include <memory>
#include <string>

#include "device/non_durable_device.h"
#include "testing/check.h"
#include "torture/session.h"

namespace ferrite::engine::torture {
namespace {

constexpr std::uint64_t kKeys = 40;
constexpr std::uint64_t kForever = ~std::uint64_t{0};
constexpr int kBoots = 3;
constexpr int kRounds = 250;

class Brim {
 public:
  Brim(std::uint64_t seed, BrimTotals& totals)
      : random_(seed), totals_(totals),
        disk_(std::make_shared<VolatileDisk>(kDataOffset + ((std::size_t{5} + random_.below(10)) << 16U))) {
    disk_->allocates_on_write = random_.chance(30);
    checkpoint_records_ = random_.chance(50) ? 20 + random_.below(100) : 0;
  }

  void run() {
    for (int boot = 0; boot < kBoots; ++boot) {
      OpenOptions options;
      options.segment_bytes = 64U << 10U;
      options.partition_bits = kPartitionBits;
      options.checkpoint_records = checkpoint_records_;
      Session session(model_, tag_, random_.next(), {}, options);
      EXPECT(session.open(std::make_unique<NonDurableDevice>(disk_, random_.next(), kForever), boot == 0).ok());
      EXPECT(session.driver().report().damaged.empty());
      session.look(true);
      if (boot == 0) take_largest(session);
      for (int round = 0; round < kRounds; ++round) write_one(session);
      make_room(session);
      session.look(true);
      if (random_.chance(50)) EXPECT(session.close().ok());
      // Otherwise everything is acknowledged, and the engine is gone.
    }
  }

 private:
  Value value_of(std::uint64_t bytes) const {
    std::string value = std::to_string(tag_ + 1) + ":";
    value.resize(bytes, 'v');
    return value;
  }
  std::string any_key() { return "key" + std::to_string(random_.below(kKeys)); }

  /// Whether a write was accepted, tried again while too much is in flight.
  bool put(Session& session, const std::string& key, Value value) {
    const std::uint64_t refused = session.driver().core().stats().refused_full;
    for (;;) {
      if (session.write(key, 1, value)) {
        ++totals_.accepted;
        return true;
      }
      EXPECT(!session.driver().core().failed());
      if (session.driver().core().stats().refused_full > refused) return false;
      session.settle();
    }
  }

  /// An empty image takes the largest value, and says no to a larger one.
  void take_largest(Session& session) {
    const std::uint64_t most = session.driver().core().value_bytes_max();
    EXPECT(session.driver().put("more", std::string(most + 1, 'v'), 0).status().reason() == base::Reason::kValueTooLarge);
    EXPECT(put(session, "key0", value_of(most)));
    session.settle();
    ++totals_.largest_values;
  }

  void write_one(Session& session) {
    const std::uint64_t most = session.driver().core().value_bytes_max();
    const std::uint64_t kind = random_.below(100);
    const std::uint64_t bytes = kind < 15 ? 0 : kind < 20 ? most : kind < 50 ? random_.below(most) : random_.below(4000);
    if (put(session, any_key(), value_of(bytes))) {
      if (bytes == 0) ++totals_.empty_values;
      if (bytes == most) ++totals_.largest_values;
    } else {
      ++totals_.refused;
      if (random_.chance(30)) static_cast<void>(put(session, any_key(), std::nullopt));
    }
    if (random_.chance(60)) session.settle();
  }

  /// Everything is removed: then there must be room again.
  void make_room(Session& session) {
    session.settle();
    for (std::uint64_t key = 0; key < kKeys; ++key) {
      EXPECT(put(session, "key" + std::to_string(key), std::nullopt));
    }
    session.settle();
    EXPECT(put(session, "key1", value_of(session.driver().core().value_bytes_max() / 2)));
    session.settle();
    ++totals_.emptied;
  }

  testing::Seeded random_;
  BrimTotals& totals_;
  const std::shared_ptr<VolatileDisk> disk_;
  std::uint64_t checkpoint_records_ = 0;
  Model model_;
  std::uint64_t tag_ = 0;
};

}  // namespace

void fill_to_the_brim(std::uint64_t seed, BrimTotals& totals) {
  testing::set_seed(seed);
  Brim(seed, totals).run();
  ++totals.seeds;
}

}  // namespace ferrite::engine::torture
