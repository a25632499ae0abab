#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "base/endian.h"
#include "base/latency_histogram.h"
#include "base/monotonic_clock.h"
#include "runtime/latency_block.h"
#include "testing/check.h"
#include "testing/seeded.h"

using ferrite::base::LatencyHistogram;
using ferrite::base::load_le;
using ferrite::runtime::LatencyBlock;
using ferrite::testing::Seeded;

namespace {

constexpr std::array<std::string_view, 2> kNames{"get", "device_read"};

// Any magnitude is as likely as any other.
std::uint64_t some_duration(Seeded& random) {
  return random.next() >> (63U - random.below(LatencyHistogram::kValueBits));
}

}  // namespace

TEST("buckets follow each other without gap, each at most 1/32 of its values wide") {
  EXPECT(LatencyHistogram::lowest_of(0) == 0);
  for (std::size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
    const std::uint64_t low = LatencyHistogram::lowest_of(i);
    const std::uint64_t next = LatencyHistogram::lowest_of(i + 1);
    EXPECT(next > low && (next - low - 1) * 32 <= low);
    EXPECT(LatencyHistogram::bucket_of(low) == i && LatencyHistogram::bucket_of(next - 1) == i);
  }
  EXPECT(LatencyHistogram::lowest_of(LatencyHistogram::kBuckets) == 1ULL << LatencyHistogram::kValueBits);
  EXPECT(1ULL << LatencyHistogram::kValueBits > 100'000'000'000ULL);
  EXPECT(LatencyHistogram::bucket_of(~0ULL) == LatencyHistogram::kBuckets - 1);
}

TEST("a quantile is never below the exact one, and too high by 1/32 of it at most") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    ferrite::testing::set_seed(seed);
    Seeded random(seed);
    auto histogram = std::make_unique<LatencyHistogram>();
    std::vector<std::uint64_t> values(1 + random.below(2000));
    std::uint64_t sum = 0;
    for (std::uint64_t& value : values) {
      value = some_duration(random);
      sum += value;
      histogram->record(value);
    }
    std::sort(values.begin(), values.end());
    EXPECT(histogram->count() == values.size() && histogram->sum_ns() == sum && histogram->max_ns() == values.back());
    for (const std::size_t per_mille : {0U, 1U, 250U, 500U, 900U, 990U, 999U, 1000U}) {
      const std::size_t rank = std::max<std::size_t>(1, (per_mille * values.size() + 999) / 1000);
      const std::uint64_t exact = values[rank - 1];
      const std::uint64_t found = histogram->quantile(static_cast<double>(per_mille) / 1000);
      EXPECT(found >= exact && (found - exact) * 32 <= exact);
    }
  }
}

TEST("nothing recorded, zero and hours are told as they are") {
  auto histogram = std::make_unique<LatencyHistogram>();
  EXPECT(histogram->quantile(0.5) == 0 && histogram->count() == 0);
  histogram->record(0);
  EXPECT(histogram->quantile(1) == 0 && histogram->count() == 1);
  const std::uint64_t hours = 7'200'000'000'000ULL;
  histogram->record(hours);
  EXPECT(histogram->quantile(0.5) == 0 && histogram->quantile(1) == hours && histogram->max_ns() == hours);
}

TEST("a reader beside the writer never sees a number shrink") {
  LatencyBlock block(kNames);
  std::atomic<bool> done{false};
  constexpr std::uint64_t kEvents = 300'000;
  std::thread writer([&] {
    Seeded random(5);
    for (std::uint64_t i = 0; i < kEvents; ++i) block.at(1).record(random.below(1000));
    done.store(true, std::memory_order_release);
  });
  const LatencyHistogram& histogram = block.at(1);
  std::uint64_t count = 0;
  std::uint64_t sum = 0;
  std::vector<std::uint64_t> counts(LatencyHistogram::kBuckets);
  bool ended = false;
  while (!ended) {
    ended = done.load(std::memory_order_acquire);  // one look more after the last event
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const std::uint64_t now = histogram.count_at(i);
      EXPECT(now >= counts[i]);
      counts[i] = now;
    }
    const std::uint64_t count_now = histogram.count();
    const std::uint64_t sum_now = histogram.sum_ns();
    EXPECT(count_now >= count && sum_now >= sum && histogram.quantile(0.5) < 1024);
    count = count_now;
    sum = sum_now;
  }
  writer.join();
  EXPECT(count == kEvents && block.at(0).count() == 0);
}

TEST("the block's bytes are those of SEEN.md") {
  LatencyBlock block(kNames);
  const std::uint8_t* bytes = block.bytes().data();
  EXPECT(block.bytes().size() == 128 + 2 * 8512);
  EXPECT(std::memcmp(bytes, "FERRITEL", 8) == 0);
  const std::uint32_t header[6] = {1, 2, 5, 1056, 128, 8512};
  for (std::size_t i = 0; i < 6; ++i) EXPECT(load_le<std::uint32_t>(bytes + 8 + 4 * i) == header[i]);
  for (std::size_t at = 32; at < 64; ++at) EXPECT(bytes[at] == 0);
  std::uint8_t names[64] = {};
  std::memcpy(names, "get", 3);
  std::memcpy(names + 32, "device_read", 11);
  EXPECT(std::memcmp(bytes + 64, names, sizeof names) == 0);
  for (std::size_t at = 128; at < block.bytes().size(); ++at) EXPECT(bytes[at] == 0);
  block.at(1).record(1000);  // 2^9 <= 1000: bucket (9 - 5) * 32 + 1000 / 2^4
  block.at(1).record(3);
  const std::uint8_t* second = bytes + 128 + 8512;
  const auto word = [second](std::size_t at) { return load_le<std::uint64_t>(second + at); };
  EXPECT(word(0) == 1003 && word(8) == 1000);
  EXPECT(word(64 + 8 * 3) == 1 && word(64 + 8 * (4 * 32 + 62)) == 1);
  EXPECT(std::count_if(bytes + 128, bytes + block.bytes().size(), [](std::uint8_t byte) { return byte != 0; }) == 6);
}

TEST("another mapping of the memory shows the same numbers, and nobody can shrink it") {
  LatencyBlock block(kNames);
  if (block.fd() < 0) ferrite::testing::skip("this kernel gives no memfd");
  const std::size_t bytes = block.bytes().size();
  void* seen = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, block.fd(), 0);
  EXPECT(seen != MAP_FAILED);
  block.at(0).record(77);
  EXPECT(load_le<std::uint64_t>(static_cast<const std::uint8_t*>(seen) + 128) == 77);
  EXPECT(std::memcmp(seen, block.bytes().data(), bytes) == 0);
  EXPECT(::ftruncate(block.fd(), 4096) != 0);
  block.stop_sharing();
  block.at(0).record(3);
  EXPECT(block.fd() == -1 && load_le<std::uint64_t>(static_cast<const std::uint8_t*>(seen) + 128) == 80);
  ::munmap(seen, bytes);
}

TEST("recording costs nanoseconds") {
  LatencyBlock block(kNames);
  Seeded random(9);
  std::vector<std::uint64_t> values(4096);
  for (std::uint64_t& value : values) value = 1000 + random.below(1'000'000);
  std::uint64_t best = ~0ULL;
  for (int round = 0; round < 20; ++round) {
    const std::uint64_t begun = ferrite::base::monotonic_ns();
    for (const std::uint64_t value : values) block.at(0).record(value);
    best = std::min(best, ferrite::base::monotonic_ns() - begun);
  }
  std::printf("%.1f ns per record\n", static_cast<double>(best) / static_cast<double>(values.size()));
  // Two orders of magnitude above what it takes: fails only if a lock or a system call came in.
  EXPECT(best / values.size() < 300);
}
