// Durable appends and random reads of 1 KiB records through the engine's native face, at depth 1 and 64.
//
// Question: how far from the raw device? Compare with fio on the same file system (see README.md). Unit: microseconds
// from submission to drain, and operations per second. Usage: engine_bench DEVICE [auto|uring|pool] [SECONDS] [SIZE_MIB]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "engine/engine.h"
#include "runtime/wake_event.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kValueBytes = 1024;

double microseconds(Clock::duration duration) { return std::chrono::duration<double, std::micro>(duration).count(); }

std::string key_of(std::uint64_t number) {
  std::string key = "key-000000000000";
  for (std::size_t i = key.size(); number > 0; number /= 10) key[--i] = static_cast<char>('0' + number % 10);
  return key;
}

// Keeps `depth` operations in flight for `seconds` and prints the latency distribution.
template <typename Submit>
std::uint64_t drive(const char* name, Client& client, runtime::WakeEvent& event, std::uint64_t depth, double seconds,
                    Submit&& submit) {
  std::vector<Clock::time_point> started(depth);
  std::vector<double> latencies;
  latencies.reserve(1U << 22U);
  std::vector<Completion> done(depth);
  std::uint64_t submitted = 0;
  const Clock::time_point begin = Clock::now();
  const Clock::time_point end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<std::uint64_t> idle(depth);
  for (std::uint64_t i = 0; i < depth; ++i) idle[i] = i;
  std::uint64_t in_flight = 0;
  bool stopping = false;
  while (!stopping || in_flight > 0) {
    const Clock::time_point now = Clock::now();
    stopping = stopping || now >= end;
    while (!stopping && !idle.empty()) {
      const std::uint64_t slot = idle.back();
      started[slot] = Clock::now();
      if (!submit(client, slot, submitted)) {
        stopping = true;
        break;
      }
      idle.pop_back();
      ++submitted;
      ++in_flight;
    }
    const std::size_t count = client.drain(done);
    if (count == 0 && in_flight > 0) event.wait(-1);
    const Clock::time_point finished = Clock::now();
    for (std::size_t i = 0; i < count; ++i) {
      if (!done[i].status.ok()) std::exit(1);
      latencies.push_back(microseconds(finished - started[done[i].tag]));
      idle.push_back(done[i].tag);
      done[i].records = RecordBatch();
      --in_flight;
    }
  }
  const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
  std::sort(latencies.begin(), latencies.end());
  const auto at = [&](double q) {
    return latencies.empty() ? 0.0 : latencies[static_cast<std::size_t>(q * static_cast<double>(latencies.size() - 1))];
  };
  std::printf("%-8s depth %-4llu %9.0f op/s   p50 %8.1f us   p99 %8.1f us\n", name,
              static_cast<unsigned long long>(depth), static_cast<double>(latencies.size()) / elapsed, at(0.5), at(0.99));
  return submitted;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: engine_bench DEVICE [auto|uring|pool] [SECONDS] [SIZE_MIB]\n");
    return 2;
  }
  OpenOptions options;
  options.device = argv[1];
  const std::string_view driver = argc > 2 ? argv[2] : "auto";
  options.driver = driver == "uring" ? Driver::kUring : driver == "pool" ? Driver::kPool : Driver::kAuto;
  const double seconds = argc > 3 ? std::atof(argv[3]) : 3.0;
  options.size_bytes = (argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 2048) << 20U;
  auto engine = Engine::open(options);
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", engine.status().message());
    return 3;
  }
  runtime::WakeEvent event;
  ClientOptions client_options;
  client_options.depth = 1024;
  client_options.wake = [](void* context) noexcept { static_cast<runtime::WakeEvent*>(context)->signal(); };
  client_options.wake_context = &event;
  auto client = engine.value()->open_client(client_options);
  const std::string value(kValueBytes, 'v');
  std::uint64_t keys = 0;
  for (const std::uint64_t depth : {std::uint64_t{1}, std::uint64_t{64}, std::uint64_t{512}}) {
    keys += drive("append", *client.value(), event, depth, seconds, [&](Client& c, std::uint64_t tag, std::uint64_t n) {
      const std::string key = key_of(keys + n);
      PutRequest request;
      request.keyspace = 1;
      request.key = {reinterpret_cast<const std::uint8_t*>(key.data()), key.size()};
      request.value = {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()};
      return c.append(request, tag).ok();
    });
  }
  testing::Seeded random(1);
  for (const std::uint64_t depth : {std::uint64_t{1}, std::uint64_t{64}}) {
    drive("read", *client.value(), event, depth, seconds, [&](Client& c, std::uint64_t tag, std::uint64_t) {
      const std::string key = key_of(random.below(keys));
      return c.get(1, {reinterpret_cast<const std::uint8_t*>(key.data()), key.size()}, tag).ok();
    });
  }
  const EngineStats stats = engine.value()->stats();
  std::printf("records %llu, groups %llu, written %llu MiB, index %.1f B/key\n",
              static_cast<unsigned long long>(stats.records), static_cast<unsigned long long>(stats.groups),
              static_cast<unsigned long long>(stats.written_bytes >> 20U),
              static_cast<double>(stats.index_bytes) / static_cast<double>(std::max<std::uint64_t>(1, stats.records)));
  return 0;
}
