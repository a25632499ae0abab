#include "torture/kills.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "blocking_client.h"
#include "testing/seeded.h"
#include "torture/model.h"

namespace ferrite::engine::torture {
namespace {

using base::Reason;

constexpr std::uint64_t kKeys = 300;
constexpr std::uint32_t kPartitionBits = 2;
constexpr std::uint32_t kDepth = 64;
constexpr std::uint64_t kOpening = ~std::uint64_t{0};

OpenOptions options_of(const std::string& path, Driver driver) {
  OpenOptions options;
  options.device = "file:" + path;
  options.size_bytes = 24U << 20U;
  options.segment_bytes = 256U << 10U;
  options.partition_bits = kPartitionBits;
  options.checkpoint_records = 3000;
  options.driver = driver;
  options.allow_volatile = true;
  return options;
}

/// One operation; which one follows from the seed, so that the process that checks knows what the killed one did.
struct Op {
  std::uint64_t tag = 0;
  struct Change {
    std::string key;
    Value value;
  };
  /// More than one: a batch. None: the drop of a partition.
  std::vector<Change> changes;
  std::uint32_t partition = 0;
};

class Stream {
 public:
  Stream(std::uint64_t seed, std::uint64_t tag) : random_(seed), tag_(tag) {}
  Op next() {
    Op op;
    op.tag = ++tag_;
    const std::uint64_t kind = random_.below(1000);
    op.partition = static_cast<std::uint32_t>(random_.below(1U << kPartitionBits));
    const std::uint64_t first = random_.below(kKeys);
    const std::uint64_t count = kind == 0 ? 0 : kind < 100 ? 2 + random_.below(6) : 1;
    for (std::uint64_t i = 0; i < count; ++i) {
      Value value;
      if (!random_.chance(15)) {
        value = std::to_string(tag_) + ":";
        value->resize(value->size() + random_.below(random_.chance(3) ? 60000 : 2000), static_cast<char>('a' + tag_ % 26));
      }
      op.changes.push_back({"key" + std::to_string((first + i) % kKeys), std::move(value)});
    }
    return op;
  }

 private:
  testing::Seeded random_;
  std::uint64_t tag_;
};

base::Result<std::uint64_t> submit(Client& client, const Op& op) {
  if (op.changes.empty()) return client.drop_partition(1, op.partition, op.tag);
  std::vector<BatchWrite> writes;
  for (const Op::Change& change : op.changes) {
    BatchWrite& write = writes.emplace_back();
    write.removal = !change.value.has_value();
    write.request.keyspace = 1;
    write.request.key = bytes_of(change.key);
    if (change.value.has_value()) write.request.value = bytes_of(*change.value);
  }
  if (writes.size() > 1) return client.batch(writes, op.tag);
  return writes[0].removal ? client.remove(1, writes[0].request.key, op.tag) : client.append(writes[0].request, op.tag);
}

void say(int pipe, std::uint64_t word) {
  if (::write(pipe, &word, sizeof word) != sizeof word) std::_Exit(4);
}

/// The process to be killed: says when it is open, and then each time how many operations are acknowledged.
[[noreturn]] void work(const OpenOptions& options, Stream stream, int pipe) {
  auto engine = Engine::open(options);
  if (!engine.ok()) {
    std::fprintf(stderr, "cannot open: %s\n", engine.status().message());
    std::_Exit(2);
  }
  BlockingClient client(*engine.value());
  say(pipe, 0);
  std::uint64_t in_flight = 0;
  std::uint64_t acknowledged = 0;
  Op op = stream.next();
  for (;;) {
    while (in_flight < kDepth) {
      const auto accepted = submit(client.raw(), op);
      if (!accepted.ok() && accepted.status().reason() == Reason::kOverloaded && in_flight > 0) break;
      if (!accepted.ok()) {
        std::fprintf(stderr, "refused: %s\n", accepted.status().message());
        std::_Exit(3);
      }
      ++in_flight;
      op = stream.next();
    }
    // Writes complete in the order in which they were accepted.
    if (!client.wait().status.ok()) std::_Exit(5);
    --in_flight;
    say(pipe, ++acknowledged);
  }
}

class Killer {
 public:
  Killer(std::string path, std::uint64_t seed, KillTotals& totals)
      : path_(std::move(path)), random_(seed), totals_(totals), with_uring_(probe_uring().available) {}

  void run(std::uint64_t kills) {
    for (std::uint64_t i = 0; i < kills; ++i) {
      const Driver driver = with_uring_ && i % 2 == 0 ? Driver::kUring : Driver::kPool;
      kill_one(driver);
      // Mostly the image is looked at; else the next process recovers it, and may be killed while it does.
      if (random_.chance(70) || i + 1 == kills) look();
    }
  }

 private:
  void kill_one(Driver driver) {
    int ends[2];
    EXPECT(::pipe(ends) == 0);
    const std::uint64_t seed = random_.next();
    const pid_t child = ::fork();
    EXPECT(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      work(options_of(path_, driver), Stream(seed, tag_), ends[1]);
    }
    ::close(ends[1]);
    // The first image is let come into being.
    std::uint64_t acknowledged = totals_.kills == 0 ? heard(ends[0]) : kOpening;
    std::thread timer([pause = std::chrono::microseconds(random_.below(random_.chance(30) ? 20'000 : 250'000)), child] {
      std::this_thread::sleep_for(pause);
      ::kill(child, SIGKILL);
    });
    for (std::uint64_t word = heard(ends[0]); word != kOpening; word = heard(ends[0])) acknowledged = word;
    timer.join();
    ::close(ends[0]);
    int status = 0;
    EXPECT(::waitpid(child, &status, 0) == child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);  // it did not end by itself
    ++totals_.kills;
    note(seed, acknowledged);
    ++(acknowledged == kOpening ? totals_.in_opening : driver == Driver::kUring ? totals_.uring : totals_.pool);
  }

  /// The next word of the pipe; kOpening at its end.
  static std::uint64_t heard(int pipe) {
    std::uint64_t word = 0;
    return ::read(pipe, &word, sizeof word) == sizeof word ? word : kOpening;
  }

  /// What the killed process did, as far as it may have come.
  void note(std::uint64_t seed, std::uint64_t acknowledged) {
    if (acknowledged == kOpening) return;
    Stream stream(seed, tag_);
    for (std::uint64_t i = 0; i < acknowledged + kDepth + 1; ++i) {
      const Op op = stream.next();
      tag_ = op.tag;
      model_.nothing_accepted(op.tag);
      if (op.changes.empty()) {
        for (const std::string& name : model_.names()) {
          if (partition_of(key_hash(bytes_of(name)), kPartitionBits) == op.partition) model_.accepted(op.tag, name, {});
        }
      }
      for (const Op::Change& change : op.changes) model_.accepted(op.tag, change.key, change.value);
      if (i < acknowledged) model_.acknowledged(op.tag);
    }
    totals_.acknowledged += acknowledged;
    model_.crash();
  }

  void look() {
    auto opened = Engine::open(options_of(path_, with_uring_ && random_.chance(50) ? Driver::kUring : Driver::kPool));
    EXPECT(opened.ok());
    Engine& engine = *opened.value();
    EXPECT(engine.report().damaged.empty() && !engine.report().created);
    totals_.ambiguous += engine.report().tail == Tail::kAmbiguous ? 1 : 0;
    BlockingClient client(engine);
    const auto all = client.everything(1, kPartitionBits, 100);
    for (const std::string& name : model_.names()) {
      const Found found = client.get(name);
      EXPECT(found.status.ok() && model_.allows(name, found.value));
      const auto scanned = all.find(name);
      EXPECT(found.value.has_value() ? scanned != all.end() && scanned->second == *found.value : scanned == all.end());
      model_.settle(name, found.value);
    }
    for (const auto& [name, value] : all) EXPECT(model_.allows(name, value));
    EXPECT(all.size() == engine.stats().records);
    model_.forget();
    totals_.records += all.size();
    ++totals_.looks;
    EXPECT(engine.close().ok());
  }

  const std::string path_;
  testing::Seeded random_;
  KillTotals& totals_;
  const bool with_uring_;
  Model model_;
  std::uint64_t tag_ = 0;
};

}  // namespace

void kill_often(const std::string& path, std::uint64_t seed, std::uint64_t kills, KillTotals& totals) {
  testing::set_seed(seed);
  Killer(path, seed, totals).run(kills);
}

}  // namespace ferrite::engine::torture
