// The conformance suite of the BlockDevice port. Threads: the caller's, and one that wakes.
#pragma once

#include <cstring>
#include <thread>
#include <vector>

#include "base/aligned_buffer.h"
#include "device/sync_io.h"
#include "testing/check.h"
#include "testing/seeded.h"

namespace ferrite::engine {

inline constexpr std::uint64_t kConformanceBytes = 8U << 20U;

inline void fill(base::MutableBytes bytes, std::uint64_t seed) {
  testing::Seeded random(seed);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
}

/// Checks everything the port promises, on a device of kConformanceBytes zeroes.
inline void conforms(BlockDevice& device) {
  EXPECT(device.size_bytes() == kConformanceBytes);
  EXPECT(std::strlen(device.durability().statement) > 0);
  base::AlignedBuffer out(1U << 20U);
  base::AlignedBuffer in(1U << 20U);

  // Space never written reads as zero; what was written is read back, at any aligned place and length.
  EXPECT(run_io(device, IoKind::kRead, kConformanceBytes - kBlockBytes, in.bytes().first(kBlockBytes)) == 0);
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

}  // namespace ferrite::engine
