// The port to storage: aligned asynchronous reads, writes and flushes on one device.
//
// Threads: everything from one thread at a time, except `wake`; made and destroyed on the reactor's. Ownership: the caller keeps an IoRequest and its
// buffer alive and untouched from `submit` until its `done` runs, which happens only inside `poll` or `park`.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/engine.h"
#include "engine/patience.h"

namespace ferrite::engine {

enum class IoKind : std::uint8_t {
  kRead,
  /// Durable only after a later flush.
  kWrite,
  /// Everything completed before the flush was submitted is durable when it succeeds.
  kFlush,
  /// A write that is itself durable on success; says nothing about other writes.
  kWriteDurable,
};

struct IoRequest {
  IoKind kind = IoKind::kRead;
  /// offset, length and buffer are multiples of kBlockBytes.
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  std::uint8_t* buffer = nullptr;
  void (*done)(IoRequest& request) = nullptr;
  void* owner = nullptr;
  /// 0, or an errno value. A failed write or flush leaves the blocks concerned in any state.
  int error = 0;
  /// The function that asks, by name: devices in tests fail each in turn.
  const char* site = "";
  /// For the device's own use while the request is in flight.
  std::uint32_t progress = 0;
  IoRequest* next = nullptr;
  /// For whoever times the request (core/observer.h).
  void* observer = nullptr;
  void (*observed_done)(IoRequest& request) = nullptr;
  std::uint64_t begun_ns = 0;
};

/// A second way to the same device, for the reads of one other thread. It may outlive the device it came from.
/// Threads: all from the thread that opened it.
class ReadLane {
 public:
  ReadLane() = default;
  ReadLane(const ReadLane&) = delete;
  ReadLane& operator=(const ReadLane&) = delete;
  /// Nothing may be in flight.
  virtual ~ReadLane() = default;

  /// Polls as readable once a read has finished, until the next `poll`.
  [[nodiscard]] virtual int fd() const noexcept = 0;
  /// Takes a read; it goes out with the next `enter`, `poll` or `wait`.
  virtual void submit(IoRequest& request) noexcept = 0;
  /// Hands submitted reads to the device, in one system call. Runs no `done`.
  virtual void enter() noexcept = 0;
  /// As `enter`, and runs `done` of the finished reads. Does not wait.
  virtual void poll() noexcept = 0;
  /// As `poll`, but first waits until a read finishes, or patience ends; at once when none is in flight.
  virtual void wait(const Patience& patience) noexcept = 0;
};

/// What a device promises of data that was flushed.
struct DurabilityContract {
  /// A successful flush or durable write survives the loss of power, as far as the device can be asked.
  bool device_durable = false;
  /// Why, or why not and what would help, in one sentence. Static storage.
  const char* statement = "";
};

class BlockDevice {
 public:
  BlockDevice() = default;
  BlockDevice(const BlockDevice&) = delete;
  BlockDevice& operator=(const BlockDevice&) = delete;
  /// Nothing may be in flight.
  virtual ~BlockDevice() = default;

  [[nodiscard]] virtual DeviceKind kind() const noexcept = 0;
  /// Capacity, a multiple of kBlockBytes.
  [[nodiscard]] virtual std::uint64_t size_bytes() const noexcept = 0;
  /// Established when the device was opened.
  [[nodiscard]] virtual DurabilityContract durability() const noexcept = 0;

  /// The first write to a place costs more than later ones, or may find no room (a file's space is given when it is
  /// written): the engine then writes zeros ahead of its log.
  [[nodiscard]] virtual bool allocates_on_write() const noexcept { return false; }

  /// How long its thread may leave the device alone while nothing is in flight (milliseconds; negative: for ever).
  [[nodiscard]] virtual int left_alone_ms() const noexcept { return -1; }

  /// A lane for the calling thread; nothing where the device has only one way in. Any thread.
  [[nodiscard]] virtual std::unique_ptr<ReadLane> open_lane() { return nullptr; }

  virtual void submit(IoRequest& request) noexcept = 0;
  /// Hands submitted requests to the device and runs `done` of the finished ones. Does not wait.
  virtual void poll() noexcept = 0;
  /// As `poll`, but first sleeps until a request finishes, `wake` is called or the timeout passes (milliseconds;
  /// negative: none).
  virtual void park(int timeout_ms) noexcept = 0;
  /// Ends the current or the next `park`. Any thread.
  virtual void wake() noexcept = 0;
};

}  // namespace ferrite::engine
