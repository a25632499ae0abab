// Test decorator: the n-th request fails in a chosen way. Fault budget: one request, or, when it lasts, everything after
// it (a read: that place); and reads of one range. Threads and ownership as the device behind it.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "engine/block_device.h"
#include "runtime/intrusive_list.h"

namespace ferrite::engine {

enum class Fault : std::uint8_t {
  /// Nothing happens but the error: EIO, ENOSPC.
  kError,
  kNoSpace,
  /// Half of the blocks were read or written.
  kHalf,
  /// All of it happened, and yet it is called an error: a flush that landed.
  kDone,
  /// A flush that did not land: what it covers is with the device and may be lost.
  kUnflushed,
  /// The error stays: a place that cannot be read, a device that is gone.
  kLasting,
};
inline constexpr std::size_t kFaults = 6;
inline constexpr std::array<const char*, kFaults> kFaultNames = {"EIO",          "ENOSPC",         "half",
                                                                 "landed, EIO", "flush lost, EIO", "lasting"};

/// What can go wrong with a request of this kind.
constexpr bool may_fail(IoKind kind, Fault fault) noexcept {
  const bool flushes = kind == IoKind::kFlush || kind == IoKind::kWriteDurable;
  switch (fault) {
    case Fault::kError:
    case Fault::kNoSpace:
    case Fault::kLasting: return true;
    case Fault::kHalf: return kind != IoKind::kFlush;
    case Fault::kDone: return kind != IoKind::kRead;
    case Fault::kUnflushed: return flushes;
  }
  return false;
}

struct FaultPlan {
  /// Index of the request that fails; counts up to it as requests come.
  std::uint64_t at = ~std::uint64_t{0};
  Fault fault = Fault::kError;
  /// Reads that touch these bytes of the device fail besides, however often.
  std::uint64_t bad_begin = 0;
  std::uint64_t bad_end = 0;
  /// Takes away what was written and not flushed; called for a flush that is lost. May be empty.
  std::function<void()> forget;
  /// Sees every request before it is served. May be empty.
  std::function<void(const IoRequest&)> watch;

  /// Requests seen and faults injected so far.
  std::uint64_t seen = 0;
  std::uint64_t injected = 0;
};

class FaultyDevice final : public BlockDevice {
 public:
  FaultyDevice(std::unique_ptr<BlockDevice> behind, std::shared_ptr<FaultPlan> plan) noexcept
      : behind_(std::move(behind)), plan_(std::move(plan)) {}

  DeviceKind kind() const noexcept override { return behind_->kind(); }
  std::uint64_t size_bytes() const noexcept override { return behind_->size_bytes(); }
  DurabilityContract durability() const noexcept override { return behind_->durability(); }
  bool allocates_on_write() const noexcept override { return behind_->allocates_on_write(); }
  int left_alone_ms() const noexcept override { return behind_->left_alone_ms(); }

  void submit(IoRequest& request) noexcept override {
    if (plan_->watch) plan_->watch(request);
    if (plan_->seen++ == plan_->at) {
      begin_fault(request);
    } else if (lasts(request)) {
      ++plan_->injected;
      fail(request);
    } else {
      behind_->submit(request);
    }
  }
  void poll() noexcept override {
    finish_failed();
    behind_->poll();
  }
  void park(int timeout_ms) noexcept override {
    if (failed_.empty()) {
      behind_->park(timeout_ms);
    } else {
      poll();
    }
  }
  void wake() noexcept override { behind_->wake(); }

 private:
  void begin_fault(IoRequest& request) noexcept {
    ++plan_->injected;
    victim_ = &request;
    bad_kind_ = request.kind;
    bad_place_ = request.offset;
    part_.kind = request.kind;
    part_.offset = request.offset;
    part_.length = request.length;
    part_.buffer = request.buffer;
    switch (plan_->fault) {
      case Fault::kError:
      case Fault::kNoSpace:
      case Fault::kLasting: fail(request); return;
      case Fault::kHalf:
        part_.length = request.length / 2 / kBlockBytes * kBlockBytes;
        if (part_.kind == IoKind::kWriteDurable) part_.kind = IoKind::kWrite;
        if (part_.length == 0) {
          fail(request);
          return;
        }
        break;
      case Fault::kDone: break;
      case Fault::kUnflushed:
        if (plan_->forget) plan_->forget();
        if (request.kind == IoKind::kFlush) {
          fail(request);
          return;
        }
        part_.kind = IoKind::kWrite;
        break;
    }
    part_.owner = this;
    part_.done = [](IoRequest& done) {
      auto& device = *static_cast<FaultyDevice*>(done.owner);
      device.fail(*device.victim_);
    };
    behind_->submit(part_);
  }
  [[nodiscard]] bool lasts(const IoRequest& request) const noexcept {
    if (request.kind == IoKind::kRead && request.offset < plan_->bad_end &&
        request.offset + request.length > plan_->bad_begin) {
      return true;
    }
    if (victim_ == nullptr || plan_->fault != Fault::kLasting) return false;
    if (bad_kind_ != IoKind::kRead) return true;
    return request.kind == IoKind::kRead && request.offset <= bad_place_ && bad_place_ < request.offset + request.length;
  }
  void fail(IoRequest& request) noexcept {
    request.error = plan_->fault == Fault::kNoSpace ? ENOSPC : EIO;
    failed_.push(&request);
  }
  void finish_failed() noexcept {
    runtime::IntrusiveList<IoRequest> batch;
    batch.take(failed_);
    while (IoRequest* request = batch.pop()) request->done(*request);
  }

  std::unique_ptr<BlockDevice> behind_;
  std::shared_ptr<FaultPlan> plan_;
  runtime::IntrusiveList<IoRequest> failed_;
  IoRequest* victim_ = nullptr;
  IoRequest part_;
  IoKind bad_kind_ = IoKind::kRead;
  std::uint64_t bad_place_ = 0;
};

}  // namespace ferrite::engine
