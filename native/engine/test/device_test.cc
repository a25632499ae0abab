// The conformance suite of the BlockDevice port, run over every device.
#include <cerrno>

#include "base/aligned_buffer.h"
#include "device/delay_device.h"
#include "device/image_file.h"
#include "device/memory_device.h"
#include "device/non_durable_device.h"
#include "device/pool_device.h"
#include "device/uring_device.h"
#include "device_conformance.h"
#include "scratch.h"
#include "testing/check.h"

using namespace ferrite;
using namespace ferrite::engine;

namespace {

ImageFile image_in(const Scratch& scratch) {
  OpenOptions options;
  options.device = "file:" + scratch.image();
  options.size_bytes = kConformanceBytes;
  auto image = ImageFile::open(options);
  EXPECT(image.ok());
  return std::move(image).value();
}

}  // namespace

TEST("memory conforms to the block device port") {
  MemoryDevice device(std::make_shared<base::AlignedBuffer>(kConformanceBytes));
  conforms(device);
}

TEST("the thread pool conforms to the block device port") {
  const Scratch scratch;
  PoolDevice device(image_in(scratch));
  conforms(device);
}

TEST("io_uring conforms to the block device port") {
  if (!probe_uring().available) testing::skip("this host refuses io_uring");
  const Scratch scratch;
  ImageFile image = image_in(scratch);
  auto device = open_uring_device(image);
  EXPECT(device.ok());
  conforms(*device.value());
}

TEST("the drive that forgets conforms while its power is on") {
  NonDurableDevice device(std::make_shared<VolatileDisk>(kConformanceBytes), 1, ~std::uint64_t{0});
  conforms(device);
}

TEST("the device that dawdles conforms, whatever overtakes what") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    testing::set_seed(seed);
    DelayPlan plan{seed, {}};
    plan.pauses.fill({0, 3000});
    DelayDevice device(std::make_unique<MemoryDevice>(std::make_shared<base::AlignedBuffer>(kConformanceBytes)), plan);
    conforms(device);
  }
}

TEST("the device that dawdles takes at least the time it was told, for that kind of request only") {
  DelayPlan plan;
  plan.pauses[static_cast<std::size_t>(IoKind::kFlush)] = {20'000, 25'000};
  DelayDevice device(std::make_unique<MemoryDevice>(std::make_shared<base::AlignedBuffer>(kConformanceBytes)), plan);
  base::AlignedBuffer block(kBlockBytes);
  std::uint64_t begun = base::monotonic_ns();
  EXPECT(run_io(device, IoKind::kFlush, 0, {}) == 0);
  EXPECT(base::monotonic_ns() - begun >= 20'000'000);
  std::uint64_t quickest = ~std::uint64_t{0};
  for (int i = 0; i < 10; ++i) {
    begun = base::monotonic_ns();
    EXPECT(run_io(device, IoKind::kRead, 0, block.bytes()) == 0);
    quickest = std::min(quickest, base::monotonic_ns() - begun);
  }
  EXPECT(quickest < 20'000'000);
}

TEST("a file that shrinks under the engine gives an error and not silence") {
  const Scratch scratch;
  base::AlignedBuffer block(kBlockBytes);
  {
    PoolDevice device(image_in(scratch));
    std::filesystem::resize_file(scratch.image(), kBlockBytes);
    EXPECT(run_io(device, IoKind::kRead, 4 * kBlockBytes, block.bytes()) == EIO);
  }
  if (!probe_uring().available) testing::skip("this host refuses io_uring");
  std::filesystem::remove(scratch.image());
  ImageFile image = image_in(scratch);
  auto device = open_uring_device(image);
  std::filesystem::resize_file(scratch.image(), kBlockBytes);
  EXPECT(run_io(*device.value(), IoKind::kRead, 4 * kBlockBytes, block.bytes()) == EIO);
}
