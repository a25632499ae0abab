// What the engine shows of itself while it works: latency histograms by kind.
#include <cstring>
#include <memory>
#include <string>

#include "base/endian.h"
#include "core/observer.h"
#include "core_driver.h"
#include "device/delay_device.h"
#include "device/faulty_device.h"
#include "device/memory_device.h"
#include "testing/check.h"

using namespace ferrite;
using namespace ferrite::engine;
using internal::Observer;

namespace {

constexpr std::uint64_t kSize = 16U << 20U;

OpenOptions options() {
  OpenOptions options;
  options.device = "memory:";
  options.size_bytes = kSize;
  options.segment_bytes = 1U << 20U;
  options.partition_bits = 4;
  return options;
}

std::unique_ptr<BlockDevice> memory() {
  return std::make_unique<MemoryDevice>(std::make_shared<base::AlignedBuffer>(kSize));
}

// The histogram of that name, found and read as a stranger would: by the bytes alone.
class Seen {
 public:
  Seen(const LatencyMemory& memory, std::string_view name) {
    const std::uint8_t* bytes = memory.bytes.data();
    EXPECT(std::memcmp(bytes, "FERRITEL", 8) == 0 && base::load_le<std::uint32_t>(bytes + 8) == 1);
    const auto count = base::load_le<std::uint32_t>(bytes + 12);
    buckets_ = base::load_le<std::uint32_t>(bytes + 20);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (name != reinterpret_cast<const char*>(bytes + 64 + std::size_t{32} * i)) continue;
      const std::size_t stride = base::load_le<std::uint32_t>(bytes + 28);
      at_ = bytes + base::load_le<std::uint32_t>(bytes + 24) + i * stride;
    }
    EXPECT(at_ != nullptr);
  }
  [[nodiscard]] std::uint64_t sum_ns() const { return base::load_le<std::uint64_t>(at_); }
  [[nodiscard]] std::uint64_t max_ns() const { return base::load_le<std::uint64_t>(at_ + 8); }
  [[nodiscard]] std::uint64_t count() const {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < buckets_; ++i) total += base::load_le<std::uint64_t>(at_ + 64 + 8 * i);
    return total;
  }

 private:
  const std::uint8_t* at_ = nullptr;
  std::size_t buckets_ = 0;
};

}  // namespace

TEST("every operation and every device request is counted once, under its kind, before its completion is seen") {
  auto engine = Engine::open(options()).value();
  BlockingClient client(*engine);
  const LatencyMemory memory = engine->latency();
  const std::uint64_t begun = base::monotonic_ns();
  for (int i = 0; i < 30; ++i) {
    EXPECT(client.put("key " + std::to_string(i), "value").ok());
    EXPECT(Seen(memory, "append").count() == static_cast<std::uint64_t>(i) + 1);
  }
  for (int i = 0; i < 10; ++i) EXPECT(client.remove("key " + std::to_string(i)).ok());
  for (int i = 10; i < 30; ++i) EXPECT(client.get("key " + std::to_string(i)).value == "value");
  EXPECT(!client.get("absent").value.has_value());
  EXPECT(client.everything(1, 4).size() == 20);
  EXPECT(client.flush().ok());
  const std::uint64_t elapsed = base::monotonic_ns() - begun;
  const EngineStats stats = engine->stats();
  EXPECT(Seen(memory, "append").count() == stats.appends && stats.appends == 30);
  EXPECT(Seen(memory, "remove").count() == stats.removes && stats.removes == 10);
  EXPECT(Seen(memory, "get").count() == stats.gets && stats.gets == 21);
  EXPECT(Seen(memory, "scan").count() == stats.scans && stats.scans >= 16);
  EXPECT(Seen(memory, "flush").count() == 1);
  EXPECT(Seen(memory, "device_read").count() == stats.device_reads && stats.device_reads >= 40);
  EXPECT(Seen(memory, "device_write_durable").count() >= 40);
  std::uint64_t operations_ns = 0;
  for (std::size_t kind = 0; kind < Observer::kNames.size(); ++kind) {
    const Seen seen(memory, Observer::kNames[kind]);
    EXPECT(seen.max_ns() <= seen.sum_ns());
    EXPECT((seen.count() == 0) == (seen.sum_ns() == 0));
    if (kind < Observer::kOperations) operations_ns += seen.sum_ns();
  }
  // One operation at a time: together they took no longer than the clock ran.
  EXPECT(operations_ns <= elapsed);
}

TEST("the numbers outlive the engine that made them") {
  LatencyMemory memory;
  {
    auto engine = Engine::open(options()).value();
    BlockingClient client(*engine);
    EXPECT(client.put("k", "v").ok());
    memory = engine->latency();
    EXPECT(engine->close().ok());
    EXPECT(engine->latency().fd == -1);
  }
  EXPECT(Seen(memory, "append").count() == 1);
}

TEST("a slow device is seen in its own requests and in the operations that wait for it") {
  DelayPlan plan;
  plan.pauses[static_cast<std::size_t>(IoKind::kRead)] = {3000, 4000};
  plan.pauses[static_cast<std::size_t>(IoKind::kWriteDurable)] = {6000, 7000};
  CoreDriver driver(options());
  EXPECT(driver.attach(std::make_unique<DelayDevice>(memory(), plan), true).ok());
  const auto taken = [&driver](std::string_view name) { return Seen(driver.core().latency(), name); };
  EXPECT(driver.put("k", "v", 1).ok());
  EXPECT(driver.wait().status.ok());
  EXPECT(taken("append").count() == 1 && taken("append").sum_ns() >= 6'000'000);
  EXPECT(taken("device_write_durable").max_ns() >= 6'000'000);
  EXPECT(driver.get("k").value == "v");
  EXPECT(taken("get").count() == 1 && taken("get").sum_ns() >= 3'000'000);
  EXPECT(taken("device_read").count() == 1 && taken("device_read").sum_ns() >= 3'000'000);
  EXPECT(taken("get").sum_ns() >= taken("device_read").sum_ns());
  EXPECT(driver.close().ok());
}

TEST("operations that fail with the device are counted, too") {
  auto faults = std::make_shared<FaultPlan>();
  CoreDriver driver(options());
  EXPECT(driver.attach(std::make_unique<FaultyDevice>(memory(), faults), true).ok());
  faults->at = faults->seen;
  faults->fault = Fault::kLasting;
  EXPECT(driver.put("k", "v", 1).ok());
  unsigned failures = 0;
  for (int i = 0; i < 2; ++i) {
    const Completion completion = driver.wait();
    EXPECT(completion.status.reason() == base::Reason::kDeviceFailed);
    failures += completion.kind == OpKind::kFailed ? 0 : 1;
  }
  EXPECT(failures == 1 && Seen(driver.core().latency(), "append").count() == 1);
  EXPECT(!driver.close().ok());
}
