// Appends and random reads of 1 KiB records through the engine's native face, as told on standard input.
//
// Question: how far is the engine from the raw device, without Node in between? Units: microseconds from submission to
// drain, operations per second, microseconds of processor time per operation. A line of JSON answers each command:
//   fill RECORDS                   appends records 0 to RECORDS - 1, then flushes
//   append DEPTH SECONDS RECORDS   durable appends over keys below RECORDS, at random
//   read DEPTH SECONDS RECORDS     gets of keys below RECORDS, at random; each must be found
// The image is closed cleanly at the end of the input. Exit code 2: wrong usage; 3: the engine failed.
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "runtime/wake_event.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kValueBytes = 1024;
constexpr std::uint32_t kDepthMax = 1024;
constexpr std::uint32_t kFillDepth = 512;
constexpr int kUsage = 2;
constexpr int kFailed = 3;

[[noreturn]] void fail(int code, std::string_view why) {
  std::fprintf(stderr, "engine_bench: %.*s\n", static_cast<int>(why.size()), why.data());
  std::exit(code);
}

double seconds_of(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

// 16 bytes: as the keys of the TypeScript side.
std::string key_of(std::uint64_t number) {
  std::string key = "key-000000000000";
  for (std::size_t at = key.size(); number > 0; number /= 10) key[--at] = static_cast<char>('0' + number % 10);
  return key;
}

base::Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Says so until this many seconds from now.
auto until(double seconds) {
  const auto length = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  return [end = Clock::now() + length] { return Clock::now() < end; };
}

// One client of the engine. A single operation it waits for by running the engine itself. With `spin` it looks for
// completions without ever sleeping, and the reactor wakes nobody.
class Bench {
 public:
  Bench(Engine& engine, bool spin) : spin_(spin) {
    ClientOptions options;
    options.depth = kDepthMax;
    options.ends_turns = true;
    if (!spin) {
      options.wake = [](void* context) noexcept { static_cast<runtime::WakeEvent*>(context)->signal(); };
      options.wake_context = &event_;
    }
    auto client = engine.open_client(options);
    if (!client.ok()) fail(kFailed, client.status().message());
    client_ = std::move(client.value());
  }

  void fill(std::uint64_t records) {
    std::uint64_t next = 0;
    const auto more = [&] { return next < records; };
    drive("fill", kFillDepth, more, [&](std::uint64_t tag) { return append(next++, tag); });
  }

  void append_for(std::uint32_t depth, double seconds, std::uint64_t records) {
    drive("append", depth, until(seconds), [&](std::uint64_t tag) { return append(random_.below(records), tag); });
  }

  void read_for(std::uint32_t depth, double seconds, std::uint64_t records) {
    drive("read", depth, until(seconds), [&](std::uint64_t tag) {
      return client_->get(1, bytes_of(key_of(random_.below(records))), tag);
    });
  }

 private:
  base::Status append(std::uint64_t number, std::uint64_t tag) {
    PutRequest request;
    request.keyspace = 1;
    const std::string key = key_of(number);
    request.key = bytes_of(key);
    request.value = bytes_of(value_);
    return client_->append(request, tag).status();
  }

  // Keeps `depth` operations in flight while `go` says so, waits for the last of them, and reports.
  template <typename Go, typename Submit>
  void drive(const char* name, std::uint32_t depth, Go&& go, Submit&& submit) {
    std::vector<Clock::time_point> started(depth);
    std::vector<std::uint32_t> idle(depth);
    for (std::uint32_t slot = 0; slot < depth; ++slot) idle[slot] = slot;
    std::vector<Completion> done(depth);
    latencies_.clear();
    const double cpu = cpu_seconds();
    const Clock::time_point begin = Clock::now();
    while (true) {
      while (!idle.empty() && go()) {
        const std::uint32_t slot = idle.back();
        started[slot] = Clock::now();
        const base::Status accepted = submit(slot);
        if (!accepted.ok()) fail(kFailed, accepted.message());
        idle.pop_back();
      }
      if (idle.size() == depth) break;
      static_cast<void>(client_->end_turn(depth == 1 ? Patience{0, Patience::kForever} : Patience{}));
      const std::size_t count = client_->drain(done);
      if (count == 0 && !spin_) event_.wait(-1);
      const Clock::time_point now = Clock::now();
      for (std::size_t at = 0; at < count; ++at) {
        if (!done[at].status.ok()) fail(kFailed, done[at].status.message());
        if (done[at].kind == OpKind::kGet && done[at].records.count() != 1) fail(kFailed, "a get found nothing");
        const auto slot = static_cast<std::uint32_t>(done[at].tag);
        latencies_.push_back(static_cast<float>(seconds_of(now - started[slot]) * 1e6));
        idle.push_back(slot);
        done[at].records = RecordBatch();
      }
    }
    report(name, depth, seconds_of(Clock::now() - begin), cpu_seconds() - cpu);
  }

  void report(const char* name, std::uint32_t depth, double elapsed, double cpu) {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](double share) {
      if (latencies_.empty()) return 0.0;
      const double last = static_cast<double>(latencies_.size() - 1);
      return static_cast<double>(latencies_[static_cast<std::size_t>(share * last)]);
    };
    const double operations = static_cast<double>(std::max<std::size_t>(1, latencies_.size()));
    constexpr char kLine[] =
        R"({"op":"%s","depth":%u,"operations":%zu,"rate":%.1f,"p50_us":%.2f,"p99_us":%.2f,"cpu_us_per_op":%.3f})";
    std::printf(kLine, name, depth, latencies_.size(), operations / elapsed, at(0.5),
                at(0.99), cpu * 1e6 / operations);
    std::puts("");
    std::fflush(stdout);
  }

  bool spin_;
  runtime::WakeEvent event_;
  std::unique_ptr<Client> client_;
  testing::Seeded random_{1};
  std::string value_ = std::string(kValueBytes, 'v');
  std::vector<float> latencies_;
};

constexpr char kUsageText[] =
    "usage: engine_bench --device DEVICE [--driver auto|uring|pool] [--size-mib N] [--poll-us N] [--spin]\n"
    "  [--spdk-config FILE] [--allow-volatile], commands on standard input: "
    "fill RECORDS | append DEPTH SECONDS RECORDS | read DEPTH SECONDS RECORDS";

// Options that an engine may not have: then the flag is refused.
template <typename Options>
void set_poll(Options& options, std::uint32_t micros) {
  if constexpr (requires { options.poll_micros; }) {
    options.poll_micros = micros;
  } else {
    fail(kUsage, "this engine does not poll");
  }
}

template <typename Options>
void set_spdk(Options& options, std::string_view config) {
  if constexpr (requires { options.spdk.config; }) {
    options.spdk.config = config;
  } else {
    fail(kUsage, "this engine knows no SPDK");
  }
}

template <typename Options>
void set_volatile(Options& options) {
  if constexpr (requires { options.allow_volatile; }) options.allow_volatile = true;
}

struct Arguments {
  OpenOptions open;
  bool spin = false;
};

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) fail(kUsage, kUsageText);
  return number;
}

Arguments arguments_of(int argc, char** argv) {
  Arguments arguments;
  OpenOptions& open = arguments.open;
  open.size_bytes = std::uint64_t{2048} << 20U;
  for (int at = 1; at < argc; ++at) {
    const std::string_view flag = argv[at];
    if (flag == "--spin") {
      arguments.spin = true;
    } else if (flag == "--allow-volatile") {
      set_volatile(open);
    } else if (at + 1 == argc) {
      fail(kUsage, kUsageText);
    } else if (const std::string_view value = argv[++at]; flag == "--device") {
      open.device = value;
    } else if (flag == "--driver" && (value == "auto" || value == "uring" || value == "pool")) {
      open.driver = value == "uring" ? Driver::kUring : value == "pool" ? Driver::kPool : Driver::kAuto;
    } else if (flag == "--size-mib") {
      open.size_bytes = number_of(value) << 20U;
    } else if (flag == "--poll-us") {
      set_poll(open, static_cast<std::uint32_t>(number_of(value)));
    } else if (flag == "--spdk-config") {
      set_spdk(open, value);
    } else {
      fail(kUsage, kUsageText);
    }
  }
  if (open.device.empty()) fail(kUsage, kUsageText);
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = arguments_of(argc, argv);
  auto engine = Engine::open(arguments.open);
  if (!engine.ok()) fail(kFailed, engine.status().message());
  {
    Bench bench(*engine.value(), arguments.spin);
    for (std::string line; std::getline(std::cin, line);) {
      std::istringstream words(line);
      std::string command;
      std::uint32_t depth = 0;
      double seconds = 0;
      std::uint64_t records = 0;
      words >> command;
      if (command != "fill") words >> depth >> seconds;
      words >> records;
      if (!words || records == 0 || depth > kDepthMax) fail(kUsage, kUsageText);
      if (command == "fill") {
        bench.fill(records);
      } else if (command == "append" && depth > 0) {
        bench.append_for(depth, seconds, records);
      } else if (command == "read" && depth > 0) {
        bench.read_for(depth, seconds, records);
      } else {
        fail(kUsage, kUsageText);
      }
    }
  }
  const base::Status closed = engine.value()->close();
  if (!closed.ok()) fail(kFailed, closed.message());
  return 0;
}
