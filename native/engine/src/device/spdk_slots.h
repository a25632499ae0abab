// The memory through which every byte to and from a bdev passes, in slots: pieces of requests on their way through SPDK.
// Threads: the device's owner, later SPDK's application pthread (`poll_end`). Owns the bdev and the memory.
#pragma once

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "device/spdk_bdev.h"
#include "runtime/intrusive_list.h"

namespace ferrite::engine {

inline constexpr std::uint32_t kSlots = 128;
inline constexpr std::uint32_t kSlotBytes = 64U << 10U;

/// A request that is with the bdev, whole or in pieces.
struct Operation {
  IoRequest* request = nullptr;
  /// When its first piece was cut, in ticks of SPDK.
  std::uint64_t started = 0;
  std::uint32_t pieces = 0;
  Operation* next = nullptr;
};

class SlotPool;

/// A piece of a request on its way through SPDK, with memory of SPDK's own.
struct Slot {
  SlotPool* pool = nullptr;
  /// nullptr: the request was answered without waiting for SPDK.
  Operation* operation = nullptr;
  IoKind kind = IoKind::kRead;
  std::uint8_t* memory = nullptr;
  /// Place in the request, and length.
  std::uint32_t at = 0;
  std::uint32_t length = 0;
  std::uint64_t offset = 0;
  spdk_bdev_io_wait_entry wait{};
  Slot* next = nullptr;
};

// Every byte passes through slots in SPDK's memory. The engine's buffers are ordinary memory, which an NVMe drive cannot
// reach; and a request that timed out can be answered at once, because what SPDK still holds of it is only a slot. The
// copy of 4 KiB costs about 0.1 us.
//
// Outlives the device when SPDK does not give slots back: then SPDK's application pthread polls it to its end.
class SlotPool final : public SpdkRetired {
 public:
  using Returned = void (*)(void* owner, Slot& slot, int error) noexcept;

  explicit SlotPool(std::unique_ptr<SpdkBdev> bdev) noexcept : bdev_(std::move(bdev)) {}

  ~SlotPool() override { spdk_dma_free(memory_); }

  base::Status allocate() {
    memory_ = static_cast<std::uint8_t*>(spdk_dma_malloc(std::size_t{kSlots} * kSlotBytes, kBlockBytes, nullptr));
    if (memory_ == nullptr) {
      return base::Status(base::Reason::kDeviceFailed, "SPDK has too little memory: raise memoryMiB", ENOMEM);
    }
    for (std::uint32_t i = 0; i < kSlots; ++i) {
      slots_[i].pool = this;
      slots_[i].memory = memory_ + std::size_t{i} * kSlotBytes;
      idle_.push(&slots_[i]);
    }
    return base::Status();
  }

  SpdkBdev& bdev() noexcept { return *bdev_; }
  void serve(void* owner, Returned returned) noexcept {
    owner_ = owner;
    returned_ = returned;
  }
  [[nodiscard]] bool empty() const noexcept { return idle_.empty(); }
  [[nodiscard]] Slot* take() noexcept {
    ++out_;
    return idle_.pop();
  }
  void give_back(Slot& slot) noexcept {
    slot.operation = nullptr;
    idle_.push(&slot);
    --out_;
  }
  /// SPDK has something of ours: a slot or a reset.
  [[nodiscard]] bool busy() const noexcept { return out_ > 0 || resetting_; }

  /// Hands a slot to SPDK; it comes back through `returned`, perhaps before this returns.
  void send(Slot& slot) noexcept {
    if (bdev_->removed()) return settle(slot, ENODEV);
    SpdkBdev& to = *bdev_;
    int error = 0;
    switch (slot.kind) {
      case IoKind::kRead:
        error = spdk_bdev_read(to.descriptor(), to.channel(), slot.memory, slot.offset, slot.length, completed, &slot);
        break;
      case IoKind::kWrite:
      case IoKind::kWriteDurable:
        error = spdk_bdev_write(to.descriptor(), to.channel(), slot.memory, slot.offset, slot.length, completed, &slot);
        break;
      case IoKind::kFlush:
        if (!to.can(SPDK_BDEV_IO_TYPE_FLUSH)) return settle(slot, 0);  // the contract says what that means
        error = spdk_bdev_flush(to.descriptor(), to.channel(), 0, to.size_bytes(), completed, &slot);
        break;
    }
    if (error == -ENOMEM) {
      slot.wait.bdev = to.bdev();
      slot.wait.cb_fn = [](void* context) { resend(*static_cast<Slot*>(context)); };
      slot.wait.cb_arg = &slot;
      error = spdk_bdev_queue_io_wait(to.bdev(), to.channel(), &slot.wait);
    }
    if (error != 0) settle(slot, -error);
  }

  /// Leaves all slots to SPDK and asks it to abort what it has.
  void abandon() noexcept {
    for (Slot& slot : slots_) slot.operation = nullptr;
    if (resetting_ || bdev_->removed() || !bdev_->can(SPDK_BDEV_IO_TYPE_RESET)) return;
    const auto done = [](spdk_bdev_io* io, bool, void* self) {
      spdk_bdev_free_io(io);
      static_cast<SlotPool*>(self)->resetting_ = false;
    };
    resetting_ = spdk_bdev_reset(bdev_->descriptor(), bdev_->channel(), done, this) == 0;
  }

  bool poll_end() noexcept override {
    if (busy()) {
      bdev_->poll();
      return false;
    }
    bdev_->let_go();
    return bdev_->poll_end();
  }

 private:
  static void completed(spdk_bdev_io* io, bool success, void* context) {
    spdk_bdev_free_io(io);
    Slot& slot = *static_cast<Slot*>(context);
    slot.pool->settle(slot, success ? 0 : slot.pool->bdev_->removed() ? ENODEV : EIO);
  }

  static void resend(Slot& slot) noexcept {
    if (slot.operation == nullptr) return slot.pool->give_back(slot);
    slot.pool->send(slot);
  }

  void settle(Slot& slot, int error) noexcept {
    if (slot.operation == nullptr) return give_back(slot);
    returned_(owner_, slot, error);
  }

  std::unique_ptr<SpdkBdev> bdev_;
  std::uint8_t* memory_ = nullptr;
  void* owner_ = nullptr;
  Returned returned_ = nullptr;
  runtime::IntrusiveList<Slot> idle_;
  std::uint32_t out_ = 0;
  bool resetting_ = false;
  std::array<Slot, kSlots> slots_;
};

}  // namespace ferrite::engine
