// The SPDK device over bdevs that need no hardware: conformance, durability contracts, refusals, faults.
// Linked with SPDK; exists only where SPDK was found.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "device/spdk_device.h"
#include "device/spdk_env.h"
#include "device_conformance.h"
#include "scratch.h"
#include "testing/check.h"

using namespace ferrite;
using namespace ferrite::engine;

namespace {

constexpr char kMalloc[] = R"({"subsystems": [{"subsystem": "bdev", "config": [
  {"method": "bdev_set_options", "params": {"bdev_auto_examine": false}},
  {"method": "bdev_malloc_create", "params": {"name": "M0", "num_blocks": 16384, "block_size": 512}},
  {"method": "bdev_malloc_create", "params": {"name": "M1", "num_blocks": 2048, "block_size": 4096}},
  {"method": "bdev_malloc_create", "params": {"name": "M2", "num_blocks": 2048, "block_size": 4096}},
  {"method": "bdev_malloc_create", "params": {"name": "M3", "num_blocks": 2048, "block_size": 4096}},
  {"method": "bdev_malloc_create", "params": {"name": "M4", "num_blocks": 2048, "block_size": 4096}},
  {"method": "bdev_delay_create", "params": {"name": "Slow", "base_bdev_name": "M4", "avg_read_latency": 60000000,
    "p99_read_latency": 60000000, "avg_write_latency": 0, "p99_write_latency": 0}},
  {"method": "bdev_error_create", "params": {"base_name": "M1"}},
  {"method": "bdev_null_create", "params": {"name": "Odd", "num_blocks": 1024, "block_size": 8192}}]}]})";

std::string aio_config(const std::string& bdev, const std::string& path) {
  return R"({"subsystems": [{"subsystem": "bdev", "config": [
    {"method": "bdev_set_options", "params": {"bdev_auto_examine": false}},
    {"method": "bdev_aio_create", "params": {"name": ")" +
         bdev + R"(", "block_size": 4096, "filename": ")" +
         path + R"("}}]}]})";
}

OpenOptions spdk(const std::string& bdev, const std::string& config) {
  OpenOptions options;
  options.device = "spdk:" + bdev;
  options.spdk.config = config;
  options.spdk.no_huge = true;
  options.spdk.timeout_ms = 2000;
  return options;
}

std::unique_ptr<BlockDevice> opened(const OpenOptions& options) {
  auto device = open_spdk_device(options);
  EXPECT(device.ok());
  return std::move(device).value();
}

base::Reason refusal(const OpenOptions& options) {
  const auto engine = Engine::open(options);
  EXPECT(!engine.ok());
  return engine.status().reason();
}

}  // namespace

TEST("a malloc bdev conforms to the block device port and promises nothing") {
  auto device = opened(spdk("M0", kMalloc));
  EXPECT(!device->durability().device_durable);
  conforms(*device);
}

TEST("an aio bdev conforms to the block device port and promises what its file does") {
  const Scratch scratch;
  { std::ofstream(scratch.image()).close(); }
  std::filesystem::resize_file(scratch.image(), kConformanceBytes);
  auto device = opened(spdk("A0", aio_config("A0", std::filesystem::absolute(scratch.image()))));
  EXPECT(device->durability().device_durable);
  conforms(*device);
}

TEST("an aio bdev on a file in memory is no durable device") {
  if (!std::filesystem::is_directory("/dev/shm")) testing::skip("this host has no /dev/shm");
  char name[] = "/dev/shm/ferrite-XXXXXX";
  const int fd = ::mkstemp(name);
  EXPECT(fd >= 0);
  std::filesystem::resize_file(name, kConformanceBytes);
  const base::Reason reason = refusal(spdk("A1", aio_config("A1", name)));
  ::close(fd);
  std::filesystem::remove(name);
  EXPECT(reason == base::Reason::kDeviceNotDurable);
}

TEST("a volatile bdev is refused unless it is allowed") {
  OpenOptions options = spdk("M2", kMalloc);
  EXPECT(refusal(options) == base::Reason::kDeviceNotDurable);
  options.allow_volatile = true;
  const auto engine = Engine::open(options);
  EXPECT(engine.ok());
  EXPECT(!engine.value()->report().device_durable);
  EXPECT(engine.value()->report().device_kind == DeviceKind::kSpdk);
  EXPECT(engine.value()->close().ok());
}

TEST("a bdev is open in one engine at a time, and open again after it was closed") {
  const OpenOptions options = spdk("M0", kMalloc);
  {
    auto device = opened(options);
    EXPECT(open_spdk_device(options).status().reason() == base::Reason::kImageLocked);
    auto other = opened(spdk("EE_M1", kMalloc));
  }
  opened(options);
}

TEST("a request that takes too long fails in time, and the device serves again after its reset") {
  using Clock = std::chrono::steady_clock;
  const OpenOptions options = spdk("Slow", kMalloc);
  auto device = opened(options);
  base::AlignedBuffer block(3 * kBlockBytes);
  const Clock::time_point start = Clock::now();
  EXPECT(run_io(*device, IoKind::kRead, 0, block.bytes()) == ETIMEDOUT);
  EXPECT(Clock::now() - start < std::chrono::milliseconds(options.spdk.timeout_ms + 500));
  // Refused at once while SPDK is not done with the reset; then served.
  int error = ETIMEDOUT;
  while (error == ETIMEDOUT && Clock::now() - start < std::chrono::seconds(10)) {
    error = run_io(*device, IoKind::kWriteDurable, 0, block.bytes());
  }
  EXPECT(error == 0);
}

TEST("a bdev that is taken away fails what comes after it, and is let go") {
  auto device = opened(spdk("M3", kMalloc));
  base::AlignedBuffer block(kBlockBytes);
  EXPECT(run_io(*device, IoKind::kWrite, 0, block.bytes()) == 0);
  // SPDK answers when the last user has closed the bdev.
  std::atomic<bool> gone{false};
  std::thread remover([&gone] {
    OpenOptions options = spdk("M3", R"({"subsystems": [{"subsystem": "bdev", "config": [
      {"method": "bdev_malloc_delete", "params": {"name": "M3"}}]}]})");
    EXPECT(SpdkEnvironment::get(options.spdk).value()->apply(options.spdk).ok());
    gone = true;
  });
  int error = 0;
  for (int tries = 0; error == 0 && tries < 1000; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    error = run_io(*device, IoKind::kRead, 0, block.bytes());
  }
  EXPECT(error == ENODEV);
  EXPECT(run_io(*device, IoKind::kFlush, 0, {}) == ENODEV);
  for (int turns = 0; !gone && turns < 1000; ++turns) device->park(5);
  EXPECT(gone);
  remover.join();
}

TEST("a bdev that is not there, odd blocks and bad configurations are refused as configuration") {
  EXPECT(refusal(spdk("M7", "")) == base::Reason::kConfigInvalid);
  EXPECT(refusal(spdk("M7", "/nowhere/spdk.json")) == base::Reason::kConfigInvalid);
  EXPECT(refusal(spdk("M7", "{\"subsystems\": [")) == base::Reason::kConfigInvalid);
  EXPECT(refusal(spdk("M7", R"({"subsystems": [{"subsystem": "bdev", "config": [{"method": "no_such"}]}]})")) ==
         base::Reason::kConfigInvalid);
  EXPECT(refusal(spdk("M9", kMalloc)) == base::Reason::kConfigInvalid);
  EXPECT(refusal(spdk("Odd", kMalloc)) == base::Reason::kConfigInvalid);
  EXPECT(refusal(spdk("", kMalloc)) == base::Reason::kConfigInvalid);
}
