// Clients that run the engine in the reactor's place: nothing is lost between the two, whoever does the work.
#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "blocking_client.h"
#include "scratch.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;
using base::Reason;

namespace {

constexpr Patience kPatient{0, Patience::kForever};

struct Kind {
  const char* name;
  Driver driver;
  bool memory;
};
constexpr std::array<Kind, 3> kKinds{
    {{"uring", Driver::kUring, false}, {"pool", Driver::kPool, false}, {"memory", Driver::kAuto, true}}};

std::unique_ptr<Engine> opened(const Kind& kind, const Scratch& scratch, std::uint32_t poll_micros = 0) {
  OpenOptions options;
  options.device = kind.memory ? "memory:" : "file:" + scratch.image();
  options.size_bytes = 16U << 20U;
  options.segment_bytes = 256U << 10U;
  options.partition_bits = 4;
  options.driver = kind.driver;
  options.poll_micros = poll_micros;
  auto engine = Engine::open(options);
  EXPECT(engine.ok());
  return std::move(engine).value();
}

// Runs `test` with every kind of device that is here.
template <typename Test>
void with_each_device(Test&& test) {
  for (const Kind& kind : kKinds) {
    if (kind.driver == Driver::kUring && !probe_uring().available) {
      std::printf("skipped: the kernel refuses io_uring\n");
      continue;
    }
    const Scratch scratch;
    test(kind, scratch);
  }
}

// A client that ends its turns, and counts how often it was woken.
struct TurnClient {
  explicit TurnClient(Engine& engine, bool own_reads = false) {
    ClientOptions options;
    options.ends_turns = true;
    options.own_reads = own_reads;
    options.wake = [](void* context) noexcept {
      auto* self = static_cast<TurnClient*>(context);
      self->wakes.fetch_add(1);
      self->event.signal();
    };
    options.wake_context = this;
    client = std::move(engine.open_client(options)).value();
  }
  // The next completion, whoever brings it about.
  Completion next(const Patience& patience) {
    Completion one[1];
    const std::optional<bool> ended = client->end_turn(patience);
    if (ended == true) {
      EXPECT(client->drain(one) == 1);
      return std::move(one[0]);
    }
    while (client->drain(one) == 0) {
      client->settle_reads();
      event.wait(client->own_reads_in_flight() > 0 ? 0 : 1);
    }
    return std::move(one[0]);
  }
  void put(const std::string& key, const std::string& value, std::uint64_t tag) {
    PutRequest request;
    request.keyspace = 1;
    request.key = bytes_of(key);
    request.value = bytes_of(value);
    const auto accepted = client->append(request, tag);
    if (!accepted.ok()) std::printf("refused: %s\n", accepted.status().message());
    EXPECT(accepted.ok());
  }
  runtime::WakeEvent event;
  std::atomic<int> wakes{0};
  std::unique_ptr<Client> client;
};

std::string value_of(Completion& completion) {
  RecordView view;
  EXPECT(completion.status.ok() && completion.records.next(view));
  return text_of(view.value);
}

}  // namespace

TEST("a client that waits for its only operation is served without being woken") {
  with_each_device([](const Kind& kind, const Scratch& scratch) {
    auto engine = opened(kind, scratch);
    TurnClient client(*engine);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    int served = 0;
    for (std::uint64_t i = 0; i < 200; ++i) {
      const int wakes = client.wakes;
      client.put("key" + std::to_string(i % 20), std::to_string(i), i);
      Completion completion = client.next(kPatient);
      EXPECT(completion.status.ok() && completion.tag == i && completion.kind == OpKind::kAppend);
      served += client.wakes == wakes ? 1 : 0;
    }
    // Not all of them: the reactor may be at work on the seal of the log.
    EXPECT(served >= 20);
    for (std::uint64_t i = 0; i < 20; ++i) {
      EXPECT(client.client->get(1, bytes_of("key" + std::to_string(i)), i).ok());
      Completion completion = client.next(kPatient);
      EXPECT(value_of(completion) == std::to_string(180 + i));
    }
    EXPECT(client.client->flush(1).ok());
    EXPECT(client.next(kPatient).kind == OpKind::kFlush);
    EXPECT(engine->close().ok());
  });
}

TEST("what a client leaves unfinished, the reactor finishes") {
  with_each_device([](const Kind& kind, const Scratch& scratch) {
    auto engine = opened(kind, scratch);
    testing::Seeded random(7);
    for (std::uint64_t round = 0; round < 200; ++round) {
      // The thread that submitted the request to the kernel ends with it in flight.
      std::thread thread([&] {
        TurnClient client(*engine);
        client.put("key" + std::to_string(round % 50), std::to_string(round), round);
        const std::uint64_t spin_ns = random.below(40'000);
        static_cast<void>(client.client->end_turn({spin_ns + 1, 0}));
      });
      thread.join();
      if (round % 20 < 19) continue;
      TurnClient client(*engine);
      EXPECT(client.client->flush(1).ok());
      EXPECT(client.next(kPatient).status.ok());
    }
    TurnClient client(*engine);
    for (std::uint64_t i = 0; i < 50; ++i) {
      EXPECT(client.client->get(1, bytes_of("key" + std::to_string(i)), i).ok());
      Completion completion = client.next({});
      EXPECT(value_of(completion) == std::to_string(150 + i));
    }
    EXPECT(engine->close().ok());
  });
}

TEST("the log is sealed soon after writes that a client saw to itself") {
  with_each_device([](const Kind& kind, const Scratch& scratch) {
    auto engine = opened(kind, scratch);
    TurnClient client(*engine);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    for (std::uint64_t i = 0; i < 10; ++i) {
      client.put("a", "1", i);
      EXPECT(client.next(kPatient).status.ok());
    }
    const std::uint64_t before = engine->stats().seals;
    std::this_thread::sleep_for(std::chrono::milliseconds(20 * kSealDelayMs));
    EXPECT(engine->stats().seals == before + 1);
    EXPECT(engine->close().ok());
  });
}

TEST("clients on several threads end their turns in any way, and every operation completes once") {
  for (const std::uint32_t poll_micros : {0U, 30U}) {
    with_each_device([&](const Kind& kind, const Scratch& scratch) {
      auto engine = opened(kind, scratch, poll_micros);
      std::vector<std::thread> threads;
      for (std::uint64_t t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
          testing::Seeded random(t);
          TurnClient client(*engine);
          std::array<std::uint64_t, 8> last{};
          for (std::uint64_t round = 1; round <= 400; ++round) {
            const std::uint64_t burst = random.below(3) == 0 ? 1 + random.below(6) : 1;
            std::uint64_t missing = 0;
            for (std::uint64_t i = 0; i < burst; ++i) {
              const std::uint64_t which = random.below(last.size());
              const std::string key = std::to_string(t) + "/" + std::to_string(which);
              if (last[which] != 0 && random.below(3) == 0) {
                EXPECT(client.client->get(1, bytes_of(key), last[which] << 8U | which).ok());
              } else {
                last[which] = round << 4U | i;
                client.put(key, std::to_string(last[which]), 0);
              }
              ++missing;
            }
            while (missing > 0) {
              const std::array<Patience, 4> ways{Patience{}, Patience{0, 50'000}, Patience{20'000, 0}, kPatient};
              Completion completion = client.next(ways[random.below(ways.size())]);
              EXPECT(completion.status.ok());
              --missing;
              if (completion.kind != OpKind::kGet) continue;
              // A later write of the burst may have come before the read.
              EXPECT(std::stoull(value_of(completion)) >= completion.tag >> 8U);
            }
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
      EXPECT(engine->close().ok());
    });
  }
}

TEST("a client with reads of its own is told what is known at once, and waits for the rest") {
  with_each_device([](const Kind& kind, const Scratch& scratch) {
    auto engine = opened(kind, scratch);
    TurnClient client(*engine, true);
    testing::Seeded random(3);
    std::uint64_t last = 0;
    for (std::uint64_t round = 1; round <= 300; ++round) {
      const std::uint64_t kind_of = random.below(3);
      if (kind_of == 0 || last == 0) {
        client.put("here", std::to_string(last = round), round);
        EXPECT(client.next(kPatient).status.ok());
      } else {
        EXPECT(client.client->get(1, bytes_of(kind_of == 1 ? "here" : "nowhere"), round).ok());
        Completion completion = client.next(random.below(2) == 0 ? kPatient : Patience{0, 50'000});
        EXPECT(completion.tag == round && completion.status.ok());
        if (kind_of == 1) {
          EXPECT(value_of(completion) == std::to_string(last));
        } else {
          EXPECT(completion.records.count() == 0);
        }
      }
    }
    EXPECT(engine->close().ok());
  });
}

TEST("closing ends the wait of a client that runs the engine") {
  with_each_device([](const Kind& kind, const Scratch& scratch) {
    for (int round = 0; round < 20; ++round) {
      auto engine = opened(kind, scratch);
      TurnClient client(*engine);
      std::thread closer([&] { EXPECT(engine->close().ok()); });
      std::uint64_t accepted = 0;
      for (;; ++accepted) {
        PutRequest request;
        request.keyspace = 1;
        request.key = bytes_of("key");
        const auto sequence = client.client->append(request, 1);
        if (!sequence.ok()) {
          EXPECT(sequence.status().reason() == Reason::kShuttingDown);
          break;
        }
        EXPECT(client.next(kPatient).status.ok());
      }
      closer.join();
    }
  });
}
