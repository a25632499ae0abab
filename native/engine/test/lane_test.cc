// Clients that read for themselves: they see what the reactor's gets see, under overwrites, removals, compaction and the
// reuse of segments, and may go in any order with the engine.
#include <poll.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "blocking_client.h"
#include "scratch.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;
using base::Reason;

namespace {

OpenOptions small_image(const Scratch& scratch) {
  OpenOptions options;
  options.device = "file:" + scratch.image();
  options.size_bytes = 8U << 20U;
  options.segment_bytes = 256U << 10U;
  options.partition_bits = 4;
  options.driver = Driver::kUring;
  return options;
}

std::string key_name(std::uint64_t number) { return "key" + std::to_string(number); }

// A get on the client's own lane, waited for without any thread's help.
struct LaneClient {
  explicit LaneClient(Engine& engine) {
    ClientOptions options;
    options.own_reads = true;
    options.ends_turns = true;
    options.wake = [](void* context) noexcept { static_cast<runtime::WakeEvent*>(context)->signal(); };
    options.wake_context = &event;
    client = std::move(engine.open_client(options)).value();
  }
  base::Result<std::optional<std::string>> get(const std::string& key) {
    const base::Status accepted = client->get(1, bytes_of(key), 7);
    if (!accepted.ok()) return accepted;
    static_cast<void>(client->end_turn());
    Completion one[1];
    while (client->drain(one) == 0) {
      client->settle_reads();
      event.wait(1);
    }
    EXPECT(one[0].tag == 7 && one[0].kind == OpKind::kGet);
    if (!one[0].status.ok()) return one[0].status;
    RecordView view;
    std::optional<std::string> value;
    if (one[0].records.next(view)) {
      EXPECT(text_of(view.key) == key);
      value = text_of(view.value);
    }
    return value;
  }
  runtime::WakeEvent event;
  std::unique_ptr<Client> client;
};

bool readable(int fd, int timeout_ms) {
  pollfd asked{fd, POLLIN, 0};
  return ::poll(&asked, 1, timeout_ms) == 1;
}

bool has_uring() {
  if (probe_uring().available) return true;
  std::printf("skipped: the kernel refuses io_uring\n");
  return false;
}

}  // namespace

TEST("a client's own reads see every write accepted before them and never another key's bytes") {
  if (!has_uring()) return;
  const Scratch scratch;
  auto engine = std::move(Engine::open(small_image(scratch))).value();
  constexpr std::uint64_t kKeys = 1500;
  std::atomic<bool> stop{false};
  // One writer of versions; readers check that versions never go back and values belong to their keys.
  std::vector<std::atomic<std::uint64_t>> durable(kKeys);
  std::vector<std::thread> readers;
  std::atomic<std::uint64_t> reads{0};
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&, r] {
      LaneClient client(*engine);
      EXPECT(client.client->read_fd() >= 0);
      testing::Seeded random(static_cast<std::uint64_t>(r));
      while (!stop.load()) {
        const std::uint64_t k = random.below(kKeys);
        const std::uint64_t least = durable[k].load();
        const auto found = client.get(key_name(k));
        EXPECT(found.ok());
        if (found.value().has_value()) {
          EXPECT(found.value()->starts_with(key_name(k) + ":"));
          EXPECT(std::stoull(found.value()->substr(key_name(k).size() + 1)) >= least);
        } else {
          EXPECT(least == 0);
        }
        reads.fetch_add(1);
      }
    });
  }
  BlockingClient writer(*engine);
  testing::Seeded random(99);
  for (std::uint64_t version = 1; version < 20000; ++version) {
    const std::uint64_t k = random.below(kKeys);
    std::string value = key_name(k) + ":" + std::to_string(version);
    value.resize(value.size() + random.below(3000), ' ');
    EXPECT(writer.put(key_name(k), value).ok());
    durable[k].store(version);
    if (version % 2000 == 0) std::this_thread::yield();
  }
  stop.store(true);
  for (std::thread& reader : readers) reader.join();
  std::printf("%llu reads, %llu bytes moved\n", static_cast<unsigned long long>(reads.load()),
              static_cast<unsigned long long>(engine->stats().moved_bytes));
  EXPECT(engine->stats().moved_bytes > 0);
  LaneClient last(*engine);
  BlockingClient through(*engine);
  for (std::uint64_t k = 0; k < kKeys; ++k) EXPECT(last.get(key_name(k)).value() == through.get(key_name(k)).value);
  EXPECT(engine->stats().gets >= reads.load());
}

TEST("own reads obey the client's depth, tell what is absent at once, and outlive a closing engine") {
  if (!has_uring()) return;
  const Scratch scratch;
  auto engine = std::move(Engine::open(small_image(scratch))).value();
  BlockingClient writer(*engine);
  EXPECT(writer.put("a", std::string(5000, 'a')).ok());
  ClientOptions options;
  options.own_reads = true;
    options.ends_turns = true;
  options.depth = 3;
  auto client = std::move(engine->open_client(options)).value();
  EXPECT(client->get(1, bytes_of("absent"), 1).ok());
  EXPECT(client->end_turn() == true);
  EXPECT(client->get(1, bytes_of("a"), 2).ok());
  EXPECT(client->get(1, bytes_of("a"), 3).ok());
  EXPECT(client->get(1, bytes_of("a"), 4).reason() == Reason::kOverloaded);
  EXPECT(client->get(1, {}, 4).reason() == Reason::kKeyEmpty);
  client->settle_reads();
  EXPECT(engine->close().ok());
  Completion done[4];
  EXPECT(client->drain(done) == 3);
  EXPECT(done[0].tag == 1 && done[0].records.count() == 0 && done[1].records.count() == 1);
  EXPECT(client->get(1, bytes_of("a"), 5).reason() == Reason::kShuttingDown);
  engine.reset();
  client.reset();  // what it leased is freed last
}

TEST("a client that goes with reads in flight waits for them") {
  if (!has_uring()) return;
  const Scratch scratch;
  auto engine = std::move(Engine::open(small_image(scratch))).value();
  BlockingClient writer(*engine);
  for (int i = 0; i < 64; ++i) EXPECT(writer.put(key_name(static_cast<std::uint64_t>(i)), std::string(1000, 'v')).ok());
  for (int round = 0; round < 20; ++round) {
    ClientOptions options;
    options.own_reads = true;
    options.ends_turns = true;
    auto client = std::move(engine->open_client(options)).value();
    for (std::uint64_t i = 0; i < 64; ++i) EXPECT(client->get(1, bytes_of(key_name(i)), i).ok());
    if (round % 2 == 0) static_cast<void>(client->end_turn());
  }
  EXPECT(writer.get("key1").value == std::string(1000, 'v'));
  EXPECT(engine->close().ok());
}

TEST("the descriptor of own reads is readable when one has finished, and quiet once all are drained") {
  if (!has_uring()) return;
  const Scratch scratch;
  auto engine = std::move(Engine::open(small_image(scratch))).value();
  BlockingClient writer(*engine);
  for (std::uint64_t i = 0; i < 16; ++i) EXPECT(writer.put(key_name(i), std::string(1000, 'v')).ok());
  ClientOptions options;
  options.own_reads = true;
    options.ends_turns = true;
  auto client = std::move(engine->open_client(options)).value();
  for (std::uint64_t round = 0; round < 300; ++round) {
    const std::uint64_t reads = 1 + round % 16;
    for (std::uint64_t i = 0; i < reads; ++i) {
      EXPECT(client->get(1, bytes_of(key_name(i)), i).ok());
      if (round % 3 == 0) static_cast<void>(client->end_turn());
    }
    static_cast<void>(client->end_turn());
    std::uint64_t done = 0;
    Completion out[4];
    while (done < reads) {
      EXPECT(readable(client->read_fd(), 5000));
      std::size_t count = 0;
      do {
        count = client->drain(out);
        done += count;
      } while (count == std::size(out));
    }
    EXPECT(!readable(client->read_fd(), 0));
  }
}
