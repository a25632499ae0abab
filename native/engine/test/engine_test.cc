#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "blocking_client.h"
#include "engine/engine.h"
#include "scratch.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;
using base::Reason;

namespace {

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

TEST("an image opened twice is refused as locked and free again after closing") {
  const Scratch scratch;
  auto first = opened(options_for(scratch));
  EXPECT(Engine::open(options_for(scratch)).status().reason() == Reason::kImageLocked);
  EXPECT(Engine::open(options_for(scratch, Driver::kPool)).status().reason() == Reason::kImageLocked);
  EXPECT(first->close().ok());
  EXPECT(opened(options_for(scratch))->report().boot_count == 2);
}

TEST("what is not an image is refused by name and never formatted over") {
  const Scratch scratch;
  const OpenOptions options = options_for(scratch);
  const std::string text(1U << 20U, 'x');
  std::ofstream(scratch.image()) << text;
  EXPECT(Engine::open(options).status().reason() == Reason::kFormatUnknown);
  std::ifstream back(scratch.image());
  EXPECT(std::string(std::istreambuf_iterator<char>(back), {}) == text);
  // Zeros in front do not make it an image either.
  std::ofstream(scratch.image()) << std::string(1U << 20U, '\0') << "data";
  std::filesystem::resize_file(scratch.image(), 2U << 20U);
  EXPECT(Engine::open(options).status().reason() == Reason::kFormatUnknown);
  std::filesystem::resize_file(scratch.image(), 4096);
  EXPECT(Engine::open(options).status().reason() == Reason::kDeviceTruncated);
}

TEST("a truncated image is refused and untouched") {
  const Scratch scratch;
  const OpenOptions options = options_for(scratch);
  EXPECT(opened(options)->close().ok());
  std::filesystem::resize_file(scratch.image(), 8U << 20U);
  EXPECT(Engine::open(options).status().reason() == Reason::kDeviceTruncated);
  EXPECT(std::filesystem::file_size(scratch.image()) == 8U << 20U);
}

TEST("bad options are refused by name") {
  const Scratch scratch;
  OpenOptions options = options_for(scratch);
  options.device = "tape:/dev/st0";
  EXPECT(Engine::open(options).status().reason() == Reason::kConfigInvalid);
  options = options_for(scratch);
  options.device = "file:/nonexistent/folder/image";
  EXPECT(Engine::open(options).status().reason() == Reason::kPathNotWritable);
  options = options_for(scratch);
  options.create_if_missing = false;
  EXPECT(Engine::open(options).status().reason() == Reason::kPathNotWritable);
  options.create_if_missing = true;
  options.segment_bytes = 1000;
  EXPECT(Engine::open(options).status().reason() == Reason::kConfigInvalid);
  options.segment_bytes = 8U << 20U;
  EXPECT(Engine::open(options).status().reason() == Reason::kConfigInvalid);
  options = options_for(scratch);
  std::filesystem::remove(scratch.image());
  EXPECT(opened(options)->close().ok());
  options.partition_bits = 5;
  EXPECT(Engine::open(options).status().reason() == Reason::kConfigInvalid);
}

TEST("bad requests are refused at once and change nothing") {
  OpenOptions options;
  options.device = "memory:";
  options.size_bytes = 16U << 20U;
  options.segment_bytes = 1U << 20U;
  auto engine = opened(options);
  BlockingClient client(*engine, 1);
  EXPECT(client.put("", "v").reason() == Reason::kKeyEmpty);
  EXPECT(client.put(std::string(1025, 'k'), "v").reason() == Reason::kKeyTooLarge);
  EXPECT(client.put(std::string(1024, 'k'), std::string(engine->value_bytes_max(), 'v')).ok());
  EXPECT(client.get(std::string(1024, 'k')).value->size() == engine->value_bytes_max());
  EXPECT(client.put("k", std::string(engine->value_bytes_max() + 1, 'v')).reason() == Reason::kValueTooLarge);
  ScanRequest scan;
  scan.partition = 1024;
  EXPECT(client.raw().scan(scan, 1).reason() == Reason::kArgumentInvalid);
  EXPECT(client.raw().get(1, bytes_of("k"), 1).ok());
  EXPECT(client.raw().get(1, bytes_of("k"), 2).reason() == Reason::kOverloaded);
  EXPECT(client.wait().tag == 1);
  EXPECT(engine->close().ok());
  EXPECT(client.put("k", "v").reason() == Reason::kShuttingDown);
}

TEST("a full device refuses puts, still serves reads and removals, and reuses what dies") {
  OpenOptions options;
  options.device = "memory:";
  options.size_bytes = 4U << 20U;
  options.segment_bytes = 256U << 10U;
  auto engine = opened(options);
  BlockingClient client(*engine);
  const std::string value(12000, 'v');
  int stored = 0;
  base::Status status;
  while ((status = client.put("key" + std::to_string(stored), value)).ok()) ++stored;
  EXPECT(status.reason() == Reason::kDeviceFull && stored > 100);
  for (int i = 0; i < stored; ++i) EXPECT(client.get("key" + std::to_string(i)).value == value);
  for (int i = 0; i < stored; ++i) {
    const base::Status removed = client.remove("key" + std::to_string(i));
    EXPECT(removed.ok() || removed.reason() == Reason::kDeviceFull);
    if (!removed.ok()) break;
  }
  EXPECT(client.put("again", value).ok());
  EXPECT(client.get("again").value == value);
}

TEST("a device overwritten many times over still serves") {
  OpenOptions options;
  options.device = "memory:";
  options.size_bytes = 4U << 20U;
  options.segment_bytes = 256U << 10U;
  auto engine = opened(options);
  BlockingClient client(*engine);
  testing::Seeded random(3);
  std::map<std::string, std::string> model;
  std::uint64_t written = 0;
  while (written < 24ULL * options.size_bytes) {
    const std::string key = "key" + std::to_string(random.below(20));
    const std::string value(1 + random.below(20000), static_cast<char>('a' + random.below(26)));
    EXPECT(client.put(key, value).ok());
    model[key] = value;
    written += value.size();
  }
  EXPECT(client.everything(1, options.partition_bits) == model);
}

TEST("a record keeps its generation, expiry, sequence and partition") {
  OpenOptions options;
  options.device = "memory:";
  options.size_bytes = 16U << 20U;
  auto engine = opened(options);
  BlockingClient client(*engine);
  PutRequest request;
  request.keyspace = 9;
  request.generation = 3;
  request.expires_at_ms = 1'700'000'000'000;
  request.key = bytes_of("key");
  request.value = bytes_of("value");
  const auto accepted = client.raw().append(request, 1);
  EXPECT(accepted.ok() && client.wait().sequence == accepted.value());
  const Found found = client.get("key", 9);
  EXPECT(found.view.keyspace == 9 && found.view.generation == 3 && found.view.expires_at_ms == 1'700'000'000'000);
  EXPECT(found.view.sequence == accepted.value() && found.view.hash == key_hash(bytes_of("key")));
  EXPECT(found.view.partition == partition_of(found.view.hash, 10));
}

TEST("a get sees every write accepted before it, without waiting for the caller to") {
  OpenOptions options;
  options.device = "memory:";
  options.size_bytes = 64U << 20U;
  auto engine = opened(options);
  BlockingClient client(*engine);
  for (int i = 0; i < 200; ++i) {
    const std::string value = std::to_string(i);
    PutRequest request;
    request.key = bytes_of("key");
    request.value = bytes_of(value);
    EXPECT(client.raw().append(request, 1).ok());
    EXPECT(client.raw().get(0, bytes_of("key"), 2).ok());
    for (int answers = 0; answers < 2; ++answers) {
      Completion completion = client.wait();
      if (completion.kind != OpKind::kGet) continue;
      RecordView view;
      EXPECT(completion.records.next(view) && text_of(view.value) == value);
    }
  }
}

TEST("several clients write and read at once and every operation completes once") {
  const Scratch scratch;
  auto engine = opened(options_for(scratch));
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&engine, t] {
      BlockingClient client(*engine, 64);
      for (int i = 0; i < 200; ++i) {
        const std::string key = std::to_string(t) + "/" + std::to_string(i);
        EXPECT(client.put(key, key + "!").ok());
        EXPECT(client.get(key).value == key + "!");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT(engine->stats().records == 600);
}

TEST("the engine sleeps when idle and seals its log") {
  const Scratch scratch;
  auto engine = opened(options_for(scratch));
  BlockingClient client(*engine);
  EXPECT(client.put("a", "1").ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(20 * kSealDelayMs));
  EXPECT(engine->stats().seals == 1);
  timespec before{};
  timespec after{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  const long spent = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
  EXPECT(spent < 30);
}

TEST("clients, results and engine may go in any order") {
  OpenOptions options;
  options.device = "memory:";
  options.size_bytes = 16U << 20U;
  auto engine = opened(options);
  Completion kept;
  {
    BlockingClient client(*engine);
    EXPECT(client.put("a", "1").ok());
    EXPECT(client.raw().get(1, bytes_of("a"), 1).ok());
    kept = client.wait();
    PutRequest request;
    request.key = bytes_of("left behind");
    EXPECT(client.raw().append(request, 2).ok());
  }
  engine.reset();
  RecordView view;
  EXPECT(kept.records.next(view) && text_of(view.value) == "1");
}
