// Test decorator: the n-th request fails with a chosen errno and does not reach the device.
// Fault budget: one request, or every one from it on; and reads of one range. Threads and ownership as the device behind it.
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <utility>

#include "engine/block_device.h"
#include "runtime/intrusive_list.h"

namespace ferrite::engine {

struct FaultPlan {
  /// Index of the request that fails; counts up to it as requests come.
  std::uint64_t at = ~std::uint64_t{0};
  int error = EIO;
  /// Every later request fails, too.
  bool lasting = false;
  /// Reads that touch these bytes of the device fail, however often.
  std::uint64_t bad_begin = 0;
  std::uint64_t bad_end = 0;
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

  void submit(IoRequest& request) noexcept override {
    const std::uint64_t index = plan_->seen++;
    const bool bad = request.kind == IoKind::kRead && request.offset < plan_->bad_end &&
                     request.offset + request.length > plan_->bad_begin;
    if (bad || index == plan_->at || (plan_->lasting && index > plan_->at)) {
      ++plan_->injected;
      request.error = plan_->error;
      failed_.push(&request);
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
  void finish_failed() noexcept {
    runtime::IntrusiveList<IoRequest> batch;
    batch.take(failed_);
    while (IoRequest* request = batch.pop()) request->done(*request);
  }

  std::unique_ptr<BlockDevice> behind_;
  std::shared_ptr<FaultPlan> plan_;
  runtime::IntrusiveList<IoRequest> failed_;
};

}  // namespace ferrite::engine
