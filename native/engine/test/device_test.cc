// The conformance suite of the BlockDevice port, run over every device.
#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "base/aligned_buffer.h"
#include "device/delay_device.h"
#include "device/image_file.h"
#include "device/memory_device.h"
#include "device/non_durable_device.h"
#include "device/pool_device.h"
#include "device/sync_io.h"
#include "device/uring_device.h"
#include "scratch.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;

namespace {

constexpr std::uint64_t kSize = 8U << 20U;

void fill(base::MutableBytes bytes, std::uint64_t seed) {
  testing::Seeded random(seed);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
}

void conforms(BlockDevice& device) {
  EXPECT(device.size_bytes() == kSize);
  EXPECT(std::strlen(device.durability()) > 0);
  base::AlignedBuffer out(1U << 20U);
  base::AlignedBuffer in(1U << 20U);

  // Space never written reads as zero; what was written is read back, at any aligned place and length.
  EXPECT(run_io(device, IoKind::kRead, kSize - kBlockBytes, in.bytes().first(kBlockBytes)) == 0);
  for (const std::uint8_t byte : in.bytes().first(kBlockBytes)) EXPECT(byte == 0);
  fill(out.bytes(), 1);
  EXPECT(run_io(device, IoKind::kWrite, 3 * kBlockBytes, out.bytes()) == 0);
  EXPECT(run_io(device, IoKind::kFlush, 0, {}) == 0);
  EXPECT(run_io(device, IoKind::kRead, 3 * kBlockBytes, in.bytes()) == 0);
  EXPECT(std::memcmp(out.data(), in.data(), out.size()) == 0);
  EXPECT(run_io(device, IoKind::kWriteDurable, 0, out.bytes().first(kBlockBytes)) == 0);
  EXPECT(run_io(device, IoKind::kRead, 0, in.bytes().first(kBlockBytes)) == 0);
  EXPECT(std::memcmp(out.data(), in.data(), kBlockBytes) == 0);

  // More requests than any queue holds all finish, each once, with their own data.
  constexpr std::size_t kRequests = 600;
  struct Tracked {
    IoRequest io;
    int done = 0;
  };
  std::vector<Tracked> requests(kRequests);
  base::AlignedBuffer blocks(kRequests * kBlockBytes);
  fill(blocks.bytes(), 2);
  std::size_t finished = 0;
  const auto run_all = [&](IoKind kind, base::AlignedBuffer& memory) {
    finished = 0;
    for (std::size_t i = 0; i < kRequests; ++i) {
      IoRequest& io = requests[i].io;
      io.kind = kind;
      io.offset = i * kBlockBytes;
      io.length = kBlockBytes;
      io.buffer = memory.data() + i * kBlockBytes;
      io.owner = &requests[i];
      io.done = [](IoRequest& request) { ++static_cast<Tracked*>(request.owner)->done; };
      requests[i].done = 0;
      device.submit(io);
    }
    while (finished < kRequests) {
      device.park(-1);
      finished = 0;
      for (const Tracked& request : requests) finished += request.done > 0 ? 1 : 0;
    }
    for (const Tracked& request : requests) EXPECT(request.done == 1 && request.io.error == 0);
  };
  run_all(IoKind::kWrite, blocks);
  base::AlignedBuffer back(blocks.size());
  run_all(IoKind::kRead, back);
  EXPECT(std::memcmp(blocks.data(), back.data(), blocks.size()) == 0);

  // A park ends by a wake from another thread, by one that came before, and by its timeout.
  device.wake();
  device.park(-1);
  std::thread waker([&device] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    device.wake();
  });
  device.park(-1);
  waker.join();
  device.park(1);
}

ImageFile image_in(const Scratch& scratch) {
  OpenOptions options;
  options.device = "file:" + scratch.image();
  options.size_bytes = kSize;
  auto image = ImageFile::open(options);
  EXPECT(image.ok());
  return std::move(image).value();
}

}  // namespace

TEST("memory conforms to the block device port") {
  MemoryDevice device(std::make_shared<base::AlignedBuffer>(kSize));
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
  NonDurableDevice device(std::make_shared<VolatileDisk>(kSize), 1, ~std::uint64_t{0});
  conforms(device);
}

TEST("the device that dawdles conforms, whatever overtakes what") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    testing::set_seed(seed);
    DelayPlan plan{seed, {}};
    plan.pauses.fill({0, 3000});
    DelayDevice device(std::make_unique<MemoryDevice>(std::make_shared<base::AlignedBuffer>(kSize)), plan);
    conforms(device);
  }
}

TEST("the device that dawdles takes at least the time it was told, for that kind of request only") {
  DelayPlan plan;
  plan.pauses[static_cast<std::size_t>(IoKind::kFlush)] = {20'000, 25'000};
  DelayDevice device(std::make_unique<MemoryDevice>(std::make_shared<base::AlignedBuffer>(kSize)), plan);
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
