// Test double of a drive with a volatile cache: at a power cut, what was not flushed is lost, torn, kept or
// reordered, in any combination. Fault budget: it never loses what a completed flush or durable write covers, and tears at 512 bytes.
// Threads: one. The disk is shared so that it survives the device (a reboot).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/aligned_buffer.h"
#include "engine/block_device.h"
#include "testing/seeded.h"

namespace ferrite::engine {

/// Which unflushed blocks reach the medium at a power cut.
/// The last two also change the order: an older write of a block may win over a newer one, block by block or request by
/// request.
enum class CutMode : std::uint8_t {
  kNone,
  kAll,
  kPrefix,
  kSuffix,
  kAllButOne,
  kRandomBlocks,
  kTornSectors,
  kReorderedBlocks,
  kReorderedRequests
};
inline constexpr std::uint8_t kCutModes = 9;

class VolatileDisk {
 public:
  explicit VolatileDisk(std::size_t bytes) : durable(bytes), cache(bytes) {}

  void power_cut(CutMode mode, testing::Seeded& random);
  /// Another disk with what is durable on this one.
  [[nodiscard]] std::shared_ptr<VolatileDisk> copy() const;

  /// As a file whose space is given when it is written: see BlockDevice::allocates_on_write.
  bool allocates_on_write = false;

  struct Write {
    std::uint64_t offset;
    std::vector<std::uint8_t> bytes;  // one block
    std::uint64_t request;            // blocks of one request share it
  };
  std::uint64_t requests = 0;
  base::AlignedBuffer durable;
  base::AlignedBuffer cache;
  /// Written and not known to be durable, oldest first.
  std::vector<Write> unflushed;
};

class NonDurableDevice final : public BlockDevice {
 public:
  /// Completes requests in seeded order; after `lifetime` completions the power is gone and everything fails.
  NonDurableDevice(std::shared_ptr<VolatileDisk> disk, std::uint64_t seed, std::uint64_t lifetime)
      : disk_(std::move(disk)), random_(seed), lifetime_(lifetime) {}
  ~NonDurableDevice() override;

  DeviceKind kind() const noexcept override { return DeviceKind::kMemory; }
  std::uint64_t size_bytes() const noexcept override { return disk_->cache.size(); }
  bool allocates_on_write() const noexcept override { return disk_->allocates_on_write; }
  DurabilityContract durability() const noexcept override {
    return {true, "none before a flush, all after it"};
  }
  void submit(IoRequest& request) noexcept override { submitted_.push_back(&request); }
  void poll() noexcept override;
  void park(int timeout_ms) noexcept override;
  void wake() noexcept override {}

  [[nodiscard]] bool dead() const noexcept { return lifetime_ == 0; }

 private:
  void finish(IoRequest& request) noexcept;
  void leave_in_flight(const IoRequest& request);

  std::shared_ptr<VolatileDisk> disk_;
  testing::Seeded random_;
  std::uint64_t lifetime_;
  std::vector<IoRequest*> submitted_;
};

}  // namespace ferrite::engine
