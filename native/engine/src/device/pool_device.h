// File or block device driven by a few threads with pread, pwrite and fdatasync: for kernels that refuse io_uring.
// Threads and ownership as BlockDevice.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "device/image_file.h"
#include "engine/block_device.h"
#include "runtime/intrusive_list.h"
#include "runtime/wake_event.h"

namespace ferrite::engine {

class PoolDevice final : public BlockDevice {
 public:
  explicit PoolDevice(ImageFile image);
  ~PoolDevice() override;

  DeviceKind kind() const noexcept override { return DeviceKind::kPool; }
  std::uint64_t size_bytes() const noexcept override { return image_.size_bytes(); }
  DurabilityContract durability() const noexcept override { return image_.durability(); }
  bool allocates_on_write() const noexcept override { return !image_.is_block_device(); }
  void submit(IoRequest& request) noexcept override;
  void poll() noexcept override;
  void park(int timeout_ms) noexcept override;
  void wake() noexcept override { event_.signal(); }

 private:
  static constexpr unsigned kThreads = 4;
  void work() noexcept;

  ImageFile image_;
  runtime::WakeEvent event_;
  std::mutex mutex_;
  std::condition_variable waiting_work_;
  runtime::IntrusiveList<IoRequest> todo_;
  runtime::IntrusiveList<IoRequest> finished_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ferrite::engine
