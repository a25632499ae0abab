#include "device/spdk_device.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "base/check.h"
#include "device/spdk_slots.h"

namespace ferrite::engine {
namespace {

/// Of the processor's time stamp counter, which costs a third of the system's clock: this is read in every turn.
using Ticks = std::uint64_t;

Ticks ticks_of(std::chrono::nanoseconds time) noexcept {
  const auto per_second = static_cast<double>(spdk_get_ticks_hz());
  return static_cast<Ticks>(std::chrono::duration<double>(time).count() * per_second);
}

using base::Status;

/// With requests under way: polling without a pause for so long, then with pauses.
constexpr std::chrono::microseconds kSpin{2000};
constexpr std::chrono::microseconds kPause{50};
/// Whoever is to be served may wait for this very processor.
constexpr unsigned kTurnsPerYield = 64;
/// With none: how long SPDK's messages to this thread (resets, removals) may lie.
constexpr int kSleepMs = 10;

class SpdkDevice final : public BlockDevice {
 public:
  SpdkDevice(SpdkEnvironment& environment, std::unique_ptr<SlotPool> pool, std::uint32_t timeout_ms) noexcept
      : environment_(environment),
        pool_(std::move(pool)),
        timeout_(timeout_ms),
        timeout_ticks_(ticks_of(timeout_)),
        look_ticks_(ticks_of(std::min<std::chrono::nanoseconds>(timeout_ / 8, std::chrono::milliseconds(50)))),
        spin_ticks_(ticks_of(kSpin)),
        millisecond_ticks_(ticks_of(std::chrono::milliseconds(1))),
        size_bytes_(pool_->bdev().size_bytes()),
        durability_(pool_->bdev().durability()),
        allocates_on_write_(pool_->bdev().allocates_on_write()) {
    for (Operation& operation : operations_) idle_.push(&operation);
    pool_->serve(this, [](void* self, Slot& slot, int error) noexcept {
      static_cast<SpdkDevice*>(self)->returned(slot, error);
    });
  }

  ~SpdkDevice() override {
    FERRITE_CHECK(submitted_.empty() && finished_.empty() && idle_.size() == kSlots);
    if (environment_.exiting()) {
      static_cast<void>(pool_.release());  // SPDK is being taken down with it
    } else {
      spdk_set_thread(nullptr);
      environment_.retire(std::move(pool_), timeout_);
    }
  }

  DeviceKind kind() const noexcept override { return DeviceKind::kSpdk; }
  std::uint64_t size_bytes() const noexcept override { return size_bytes_; }
  DurabilityContract durability() const noexcept override { return durability_; }
  bool allocates_on_write() const noexcept override { return allocates_on_write_; }
  int left_alone_ms() const noexcept override { return kSleepMs; }

  void submit(IoRequest& request) noexcept override {
    request.progress = 0;
    request.error = 0;
    submitted_.push(&request);
  }

  void poll() noexcept override { turn(); }

  void park(int timeout_ms) noexcept override {
    const Ticks start = spdk_get_ticks();
    unsigned turns = 0;
    const Ticks limit = millisecond_ticks_ * static_cast<Ticks>(std::max(0, timeout_ms));
    while (turn() == 0 && !woken_.exchange(false, std::memory_order_seq_cst)) {
      const Ticks waited = spdk_get_ticks() - start;
      if (timeout_ms >= 0 && waited >= limit) return;
      if (!pool_->busy()) {
        const Ticks left = timeout_ms < 0 ? kSleepMs : (limit - waited) / millisecond_ticks_ + 1;
        sleep(static_cast<int>(std::min<Ticks>(kSleepMs, left)));
      } else if (waited > spin_ticks_) {
        std::this_thread::sleep_for(kPause);
      } else if (++turns % kTurnsPerYield == 0) {
        std::this_thread::yield();
      }
    }
  }

  void wake() noexcept override {
    woken_.store(true, std::memory_order_seq_cst);
    if (sleeping_.load(std::memory_order_seq_cst)) event_.signal();
  }

 private:
  void sleep(int milliseconds) noexcept {
    sleeping_.store(true, std::memory_order_seq_cst);
    if (!woken_.load(std::memory_order_seq_cst)) event_.wait(milliseconds);
    sleeping_.store(false, std::memory_order_seq_cst);
  }

  /// Runs what can run; returns how many requests finished.
  std::size_t turn() noexcept {
    {
      const std::lock_guard inside(pool_->bdev().inside());
      if (environment_.exiting()) {
        give_up(ENODEV);
      } else {
        turn_spdk();
      }
    }
    runtime::IntrusiveList<IoRequest> batch;
    batch.take(finished_);
    const std::size_t count = batch.size();
    while (IoRequest* request = batch.pop()) request->done(*request);
    return count;
  }

  void turn_spdk() noexcept {
    SpdkBdev& bdev = pool_->bdev();
    bdev.poll();
    feed();
    if (pool_->busy()) bdev.poll();
    if (pool_->busy()) expire();
    if (bdev.removed() && !pool_->busy()) bdev.let_go();
  }

  /// Cuts requests, the oldest first, into as many pieces as there are slots.
  void feed() noexcept {
    if (stalled_ && !pool_->busy()) stalled_ = false;
    if (stalled_ || pool_->bdev().removed()) return refuse(pool_->bdev().removed() ? ENODEV : ETIMEDOUT);
    while (!pool_->empty()) {
      if (feeding_ == nullptr) {
        IoRequest* request = submitted_.pop();
        if (request == nullptr) return;
        feeding_ = idle_.pop();
        feeding_->request = request;
        feeding_->started = spdk_get_ticks();
      }
      Operation& operation = *feeding_;
      IoRequest& request = *operation.request;
      Slot& slot = *pool_->take();
      slot.operation = &operation;
      slot.kind = request.kind;
      slot.at = request.progress;
      slot.offset = request.offset + request.progress;
      const std::uint32_t length = request.kind == IoKind::kFlush ? 0 : request.length;
      slot.length = std::min(kSlotBytes, length - request.progress);
      if (request.kind != IoKind::kRead && slot.length > 0) {
        std::memcpy(slot.memory, request.buffer + slot.at, slot.length);
      }
      ++operation.pieces;
      request.progress += slot.length;
      if (request.progress == length) feeding_ = nullptr;
      pool_->send(slot);
    }
  }

  void refuse(int error) noexcept {
    if (Operation* cut_short = std::exchange(feeding_, nullptr)) {
      cut_short->request->error = error;
      if (cut_short->pieces == 0) finish(*cut_short);  // else its last piece does
    }
    while (IoRequest* request = submitted_.pop()) {
      request->error = error;
      finished_.push(request);
    }
  }

  void returned(Slot& slot, int error) noexcept {
    Operation& operation = *slot.operation;
    IoRequest& request = *operation.request;
    if (error != 0) {
      request.error = error;
    } else if (request.kind == IoKind::kRead) {
      std::memcpy(request.buffer + slot.at, slot.memory, slot.length);
    }
    const bool last = operation.pieces == 1 && &operation != feeding_;
    if (last && request.kind == IoKind::kWriteDurable && request.error == 0 && slot.kind != IoKind::kFlush) {
      slot.kind = IoKind::kFlush;  // the write is with the drive: now to the medium
      return pool_->send(slot);
    }
    --operation.pieces;
    pool_->give_back(slot);
    if (last) finish(operation);
  }

  void finish(Operation& operation) noexcept {
    finished_.push(operation.request);
    operation.request = nullptr;
    idle_.push(&operation);
  }

  /// One request too old is reason enough to give up all: they wait for the same device.
  void expire() noexcept {
    const Ticks now = spdk_get_ticks();
    if (now < next_look_) return;
    next_look_ = now + look_ticks_;
    const auto too_old = [&](const Operation& operation) {
      return operation.request != nullptr && now - operation.started > timeout_ticks_;
    };
    if (std::none_of(operations_.begin(), operations_.end(), too_old)) return;
    stalled_ = true;
    give_up(ETIMEDOUT);
    pool_->abandon();
  }

  /// Answers everything; what SPDK still has of it are slots without a request.
  void give_up(int error) noexcept {
    feeding_ = nullptr;
    for (Operation& operation : operations_) {
      if (operation.request == nullptr) continue;
      operation.request->error = error;
      operation.pieces = 0;
      finish(operation);
    }
    refuse(error);
  }

  SpdkEnvironment& environment_;
  std::unique_ptr<SlotPool> pool_;
  std::chrono::milliseconds timeout_;
  Ticks timeout_ticks_;
  /// How often requests are examined for their age.
  Ticks look_ticks_;
  Ticks spin_ticks_;
  Ticks millisecond_ticks_;
  std::uint64_t size_bytes_;
  DurabilityContract durability_;
  bool allocates_on_write_;
  runtime::WakeEvent event_;
  std::atomic<bool> woken_{false};
  std::atomic<bool> sleeping_{false};
  runtime::IntrusiveList<IoRequest> submitted_;
  runtime::IntrusiveList<IoRequest> finished_;
  runtime::IntrusiveList<Operation> idle_;
  Operation* feeding_ = nullptr;
  Ticks next_look_ = 0;
  /// Requests have timed out and SPDK has not given back all that it holds of them.
  bool stalled_ = false;
  /// As many as slots: each has one at least.
  std::array<Operation, kSlots> operations_;
};

}  // namespace

base::Result<std::unique_ptr<BlockDevice>> open_spdk_device(const OpenOptions& options) {
  base::Result<SpdkEnvironment*> environment = SpdkEnvironment::get(options.spdk);
  if (!environment.ok()) return environment.status();
  base::Result<std::unique_ptr<SpdkBdev>> bdev = SpdkBdev::open(*environment.value(), options);
  if (!bdev.ok()) return bdev.status();
  auto pool = std::make_unique<SlotPool>(std::move(bdev).value());
  if (const Status status = pool->allocate(); !status.ok()) {
    spdk_set_thread(nullptr);
    environment.value()->retire(std::move(pool), std::chrono::milliseconds(options.spdk.timeout_ms));
    return status;
  }
  return std::unique_ptr<BlockDevice>(
      std::make_unique<SpdkDevice>(*environment.value(), std::move(pool), options.spdk.timeout_ms));
}

SpdkSupport probe_spdk() { return {true, SPDK_VERSION_STRING}; }

}  // namespace ferrite::engine
