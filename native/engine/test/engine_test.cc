#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <thread>

#include "blocking_client.h"
#include "engine/engine.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;
using base::Reason;

namespace {

// A fresh folder, removed with everything in it.
class Scratch {
 public:
  Scratch() {
    char name[] = "ferrite-engine-XXXXXX";
    EXPECT(::mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string image() const { return path_ + "/image"; }

 private:
  std::string path_;
};

OpenOptions options_for(const Scratch& scratch, Driver driver = Driver::kAuto) {
  OpenOptions options;
  options.device = "file:" + scratch.image();
  options.size_bytes = 16U << 20U;
  options.segment_bytes = 1U << 20U;
  options.partition_bits = 4;
  options.driver = driver;
  return options;
}

std::unique_ptr<Engine> opened(const OpenOptions& options) {
  auto engine = Engine::open(options);
  if (!engine.ok()) std::fprintf(stderr, "open: %s\n", engine.status().message());
  EXPECT(engine.ok());
  return std::move(engine).value();
}

void every_operation(const OpenOptions& options) {
  auto engine = opened(options);
  EXPECT(engine->report().created && engine->report().clean);
  BlockingClient client(*engine);
  EXPECT(client.get("absent").status.ok() && !client.get("absent").value.has_value());
  EXPECT(client.put("a", "1").ok());
  EXPECT(client.put("a", "2").ok());
  EXPECT(client.put("b", "").ok());
  EXPECT(client.get("a").value == "2");
  EXPECT(client.get("b").value == "");
  EXPECT(!client.get("a", 2).value.has_value());
  const std::string large(300000, 'x');
  EXPECT(client.put("large", large).ok());
  EXPECT(client.get("large").value == large);
  EXPECT(client.remove("a").ok());
  EXPECT(client.remove("never there").ok());
  EXPECT(!client.get("a").value.has_value());
  EXPECT(client.flush().ok());
  const std::map<std::string, std::string> expected{{"b", ""}, {"large", large}};
  EXPECT(client.everything(1, options.partition_bits) == expected);
  EXPECT(engine->stats().records == 2);
  EXPECT(engine->close().ok());
}

void survives_reopening(const OpenOptions& options) {
  std::map<std::string, std::string> model;
  testing::Seeded random(11);
  for (int round = 0; round < 4; ++round) {
    auto engine = opened(options);
    EXPECT(engine->report().clean && engine->report().tail == Tail::kSealed);
    EXPECT(engine->report().damaged.empty() && engine->report().salvaged == 0);
    EXPECT(engine->report().boot_count == static_cast<std::uint64_t>(round) + 1);
    BlockingClient client(*engine);
    EXPECT(client.everything(1, options.partition_bits) == model);
    for (int i = 0; i < 300; ++i) {
      const std::string key = "key" + std::to_string(random.below(100));
      if (random.chance(20)) {
        EXPECT(client.remove(key).ok());
        model.erase(key);
      } else {
        const std::string value(random.below(6000), static_cast<char>('a' + random.below(26)));
        EXPECT(client.put(key, value).ok());
        model[key] = value;
      }
    }
    EXPECT(client.everything(1, options.partition_bits) == model);
    EXPECT(engine->report().record_count <= 100);
  }
}

}  // namespace

TEST("every operation works in memory") {
  OpenOptions options;
  options.device = "memory:";
  options.size_bytes = 16U << 20U;
  options.partition_bits = 4;
  every_operation(options);
}

TEST("every operation works over io_uring") {
  if (!probe_uring().available) testing::skip("this host refuses io_uring");
  const Scratch scratch;
  every_operation(options_for(scratch, Driver::kUring));
}

TEST("every operation works over the thread pool") {
  const Scratch scratch;
  every_operation(options_for(scratch, Driver::kPool));
}

TEST("records survive closing and opening over io_uring") {
  if (!probe_uring().available) testing::skip("this host refuses io_uring");
  const Scratch scratch;
  survives_reopening(options_for(scratch, Driver::kUring));
}

TEST("records survive closing and opening over the thread pool") {
  const Scratch scratch;
  survives_reopening(options_for(scratch, Driver::kPool));
}
