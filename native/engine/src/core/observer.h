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
  /// Takes note of a completion that is about to be delivered, well or not. The news of a failure answers nobody.
  void completed(const Completion& completion, std::uint64_t latency_ns) noexcept {
    if (completion.kind == OpKind::kFailed) return;
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
    request.begun_ns = base::monotonic_ns();
    request.done = [](IoRequest& finished) { static_cast<Observer*>(finished.observer)->finished(finished); };
  }

  [[nodiscard]] const std::shared_ptr<runtime::LatencyBlock>& block() const noexcept { return block_; }

 private:
  void finished(IoRequest& request) noexcept {
    const std::uint64_t latency_ns = base::monotonic_ns() - request.begun_ns;
    const auto kind = static_cast<std::uint32_t>(request.kind);
    block_->at(kOperations + kind).record(latency_ns);
    FERRITE_PROBE(ferrite_engine, device_done, kind, request.offset, request.length, latency_ns, request.error);
    request.observed_done(request);
  }

  std::shared_ptr<runtime::LatencyBlock> block_ = std::make_shared<runtime::LatencyBlock>(kNames);
};

}  // namespace ferrite::engine::internal
