// One open bdev: an SPDK thread, a descriptor and a channel, and what the bdev promises of durability.
// Threads: its owner, later SPDK's application pthread (`poll_end`). Owns the three and the reservation of the name.
#pragma once

#include <memory>
#include <string>

#include "device/spdk_api.h"
#include "device/spdk_env.h"
#include "engine/block_device.h"

namespace ferrite::engine {

class SpdkBdev {
 public:
  /// Opens a bdev for reading and writing, after the configuration was applied where that is needed to find it.
  static base::Result<std::unique_ptr<SpdkBdev>> open(SpdkEnvironment& environment, const OpenOptions& options);

  ~SpdkBdev();
  SpdkBdev(const SpdkBdev&) = delete;
  SpdkBdev& operator=(const SpdkBdev&) = delete;

  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }
  [[nodiscard]] DurabilityContract durability() const noexcept { return durability_; }
  [[nodiscard]] bool allocates_on_write() const noexcept { return allocates_on_write_; }
  [[nodiscard]] bool can(spdk_bdev_io_type type) const noexcept { return spdk_bdev_io_type_supported(bdev(), type); }
  /// Valid until `let_go`.
  [[nodiscard]] spdk_bdev* bdev() const noexcept { return spdk_bdev_desc_get_bdev(descriptor_); }
  [[nodiscard]] spdk_bdev_desc* descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] spdk_io_channel* channel() const noexcept { return channel_; }
  /// The bdev is being taken away: nothing new may be asked of it.
  [[nodiscard]] bool removed() const noexcept { return removed_; }

  /// Held by whoever is in SPDK for this bdev.
  [[nodiscard]] std::mutex& inside() noexcept { return inside_; }

  /// One turn of the SPDK thread: completions run here.
  void poll() noexcept;
  /// Gives descriptor and channel back; nothing may be with the bdev. Idempotent.
  void let_go() noexcept;
  /// After `let_go`: one turn towards the end of the SPDK thread; true when there.
  bool poll_end() noexcept;

 private:
  SpdkBdev(SpdkEnvironment& environment, std::string name) noexcept
      : environment_(environment), name_(std::move(name)) {}
  base::Status open_descriptor(const SpdkOptions& options);
  base::Status examine();
  static void on_event(spdk_bdev_event_type type, spdk_bdev* bdev, void* self) noexcept;

  SpdkEnvironment& environment_;
  std::string name_;
  std::mutex inside_;
  bool reserved_ = false;
  bool removed_ = false;
  spdk_thread* thread_ = nullptr;
  spdk_bdev_desc* descriptor_ = nullptr;
  spdk_io_channel* channel_ = nullptr;
  std::uint64_t size_bytes_ = 0;
  DurabilityContract durability_;
  bool allocates_on_write_ = false;
};

}  // namespace ferrite::engine
