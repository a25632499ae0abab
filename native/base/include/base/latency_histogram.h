// How long things took: counts in log-linear buckets of fixed size (the idea of HdrHistogram, Gil Tene).
//
// Threads: everything from any thread, and reading from any process, at any time, without a lock:
// every word is an aligned 64-bit number that only grows. Words are not consistent with each other while recording goes
// on. Ownership: a plain object, made to lie in shared memory; its bytes are a documented layout (engine/SEEN.md).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace ferrite::base {

class LatencyHistogram {
 public:
  /// Each power of two is cut into 2^5 buckets, so a bucket is at most 1/32 of its values wide.
  static constexpr unsigned kSubBits = 5;
  static constexpr std::uint64_t kSub = 1U << kSubBits;
  /// Values from 2^37 ns (137 s) on share the last bucket.
  static constexpr unsigned kValueBits = 37;
  static constexpr std::size_t kBuckets = (kValueBits - kSubBits + 1) * kSub;

  [[nodiscard]] static constexpr std::size_t bucket_of(std::uint64_t ns) noexcept {
    if (ns < kSub) return static_cast<std::size_t>(ns);
    if (ns >> kValueBits != 0) return kBuckets - 1;
    const auto shift = static_cast<unsigned>(std::bit_width(ns)) - 1U - kSubBits;
    return static_cast<std::size_t>(shift * kSub + (ns >> shift));
  }
  /// The smallest value of a bucket; that of bucket kBuckets is one more than the largest value of the last.
  [[nodiscard]] static constexpr std::uint64_t lowest_of(std::size_t bucket) noexcept {
    if (bucket < kSub) return bucket;
    const std::uint64_t shift = bucket / kSub - 1;
    return (bucket % kSub + kSub) << shift;
  }

  /// Counts one event of `ns` nanoseconds.
  void record(std::uint64_t ns) noexcept {
    grow(buckets_[bucket_of(ns)], 1);
    grow(sum_ns_, ns);
    std::uint64_t max = max_ns_.load(std::memory_order_relaxed);
    while (ns > max && !max_ns_.compare_exchange_weak(max, ns, std::memory_order_relaxed)) {
    }
  }

  [[nodiscard]] std::uint64_t sum_ns() const noexcept { return sum_ns_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t max_ns() const noexcept { return max_ns_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t count_at(std::size_t bucket) const noexcept {
    return buckets_[bucket].load(std::memory_order_relaxed);
  }
  /// Events so far.
  [[nodiscard]] std::uint64_t count() const noexcept {
    std::uint64_t total = 0;
    for (const auto& bucket : buckets_) total += bucket.load(std::memory_order_relaxed);
    return total;
  }

  /// The value that `fraction` (0 to 1) of the events do not exceed, too high by 1/32 of it at most; 0 without events.
  [[nodiscard]] std::uint64_t quantile(double fraction) const noexcept {
    std::array<std::uint64_t, kBuckets> counts;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) total += counts[i] = count_at(i);
    if (total == 0) return 0;
    const double exact = fraction * static_cast<double>(total);
    auto rank = static_cast<std::uint64_t>(exact);
    if (static_cast<double>(rank) < exact || rank == 0) ++rank;
    std::size_t bucket = 0;
    for (std::uint64_t seen = counts[0]; seen < rank && bucket + 1 < kBuckets;) seen += counts[++bucket];
    if (bucket == kBuckets - 1) return max_ns();
    return std::max(lowest_of(bucket), std::min(lowest_of(bucket + 1) - 1, max_ns()));
  }

 private:
  static void grow(std::atomic<std::uint64_t>& word, std::uint64_t by) noexcept {
    word.fetch_add(by, std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t> sum_ns_{0};
  std::atomic<std::uint64_t> max_ns_{0};
  std::array<std::atomic<std::uint64_t>, 6> reserved_{};
  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(sizeof(LatencyHistogram) == 64 + LatencyHistogram::kBuckets * 8 && sizeof(LatencyHistogram) % 64 == 0);

}  // namespace ferrite::base
