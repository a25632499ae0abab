// What one engine shows to the outside: a latency histogram per kind of operation, and the probes of operations and
// device requests (SEEN.md).
//
// Threads: `submitted` from any; the rest from the reactor, the histograms' only writer. Owned by the core; readers
// share the block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/monotonic_clock.h"
#include "base/probe.h"
#include "engine/block_device.h"
#include "engine/engine.h"
#include "runtime/latency_block.h"

namespace ferrite::engine::internal {

class Observer {
 public:
  /// First the operations in the order of OpKind, then the requests in the order of IoKind.
  static constexpr std::array<std::string_view, 9> kNames{
      "append",      "remove",       "get",          "scan",                 "flush",
      "device_read", "device_write", "device_flush", "device_write_durable",
  };
  static constexpr std::size_t kOperations = 5;

  /// Takes note of an accepted operation; `bytes`: of the record, or the most that a read asks for.
  static void submitted(OpKind kind, std::uint64_t tag, std::uint64_t bytes) noexcept {
    FERRITE_PROBE(ferrite_engine, op_submit, static_cast<std::uint32_t>(kind), tag, bytes);
  }
  /// The time now; reactor only.
  std::uint64_t read_clock() noexcept {
    uses_ = 0;
    return now_ns_ = base::monotonic_ns();
  }
  /// The time, read anew after `forget_time` or a few uses: reading the clock costs more than recording what it says.
  std::uint64_t recent_ns() noexcept { return uses_++ < kUsesMax ? now_ns_ : read_clock(); }
  /// Nanoseconds since another thread's or our own reading; that may be newer than our last one.
  std::uint64_t recent_since(std::uint64_t begun_ns) noexcept {
    const std::uint64_t now_ns = recent_ns();
    return (now_ns < begun_ns ? read_clock() : now_ns) - begun_ns;
  }
  /// Time is about to pass: the reactor may sleep.
  void forget_time() noexcept { uses_ = kUsesMax; }

  /// Takes note of a completion that is about to be delivered, well or not. News answer nobody, and a
  /// scrub takes as long as it is told to.
  void completed(const Completion& completion, std::uint64_t latency_ns) noexcept {
    if (completion.kind >= OpKind::kFailed) return;
    const auto kind = static_cast<std::uint32_t>(completion.kind);
    block_->at(kind).record(latency_ns);
    const std::uint32_t reason = completion.status.ok() ? 0U : static_cast<std::uint32_t>(completion.status.reason());
    FERRITE_PROBE(ferrite_engine, op_done, kind, completion.tag, latency_ns, reason);
  }
  /// Takes note of a group that is durable, that long after it was handed to the device.
  static void committed(std::uint64_t group, std::uint32_t records, std::uint64_t bytes,
                        std::uint64_t latency_ns) noexcept {
    FERRITE_PROBE(ferrite_engine, group_commit, group, records, bytes, latency_ns);
  }
  /// Times a request from now until it is done, then goes on with `done`. To be called before it is submitted.
  void watch(IoRequest& request, void (*done)(IoRequest&)) noexcept {
    request.observer = this;
    request.observed_done = done;
    request.begun_ns = recent_ns();
    ++in_flight_;
    request.done = [](IoRequest& finished) { static_cast<Observer*>(finished.observer)->finished(finished); };
  }

  /// Watched requests that are with the device.
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }

  [[nodiscard]] LatencyMemory memory() const noexcept { return {block_->bytes(), block_->fd(), block_}; }
  [[nodiscard]] const std::shared_ptr<runtime::LatencyBlock>& block() const noexcept { return block_; }

 private:
  void finished(IoRequest& request) noexcept {
    --in_flight_;
    const std::uint64_t latency_ns = recent_since(request.begun_ns);
    const auto kind = static_cast<std::uint32_t>(request.kind);
    block_->at(kOperations + kind).record(latency_ns);
    FERRITE_PROBE(ferrite_engine, device_done, kind, request.offset, request.length, latency_ns, request.error);
    request.observed_done(request);
  }

  static constexpr unsigned kUsesMax = 8;

  std::size_t in_flight_ = 0;
  std::uint64_t now_ns_ = 0;
  unsigned uses_ = kUsesMax;
  std::shared_ptr<runtime::LatencyBlock> block_ = std::make_shared<runtime::LatencyBlock>(kNames);
};

}  // namespace ferrite::engine::internal
