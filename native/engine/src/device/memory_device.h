// Storage in memory: the fastest device and the oracle of the others. Threads and ownership as BlockDevice; the disk is
// shared so that it can outlive the device that serves it (a "reboot" in tests).
#pragma once

#include <memory>

#include "base/aligned_buffer.h"
#include "engine/block_device.h"
#include "runtime/intrusive_list.h"
#include "runtime/wake_event.h"

namespace ferrite::engine {

class MemoryDevice final : public BlockDevice {
 public:
  explicit MemoryDevice(std::shared_ptr<base::AlignedBuffer> disk) noexcept : disk_(std::move(disk)) {}

  DeviceKind kind() const noexcept override { return DeviceKind::kMemory; }
  std::uint64_t size_bytes() const noexcept override { return disk_->size(); }
  DurabilityContract durability() const noexcept override {
    return {false, "none: the contents end with the process"};
  }
  void submit(IoRequest& request) noexcept override;
  void poll() noexcept override;
  void park(int timeout_ms) noexcept override;
  void wake() noexcept override { event_.signal(); }

 private:
  std::shared_ptr<base::AlignedBuffer> disk_;
  runtime::IntrusiveList<IoRequest> submitted_;
  runtime::WakeEvent event_;
};

}  // namespace ferrite::engine
