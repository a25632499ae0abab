// SPDK's share of the process: its memory, its application thread and the configuration, started once on first use and
// never torn down, because DPDK cannot start twice.
//
// Threads: every method from any thread that is not SPDK's own; one pthread runs SPDK's application thread and sleeps
// between its turns. Owns itself: the one instance lives as long as the process.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "runtime/wake_event.h"

struct spdk_thread;

namespace ferrite::engine {

/// Something of SPDK's that has lost its owner and is polled until SPDK lets go of it.
class SpdkRetired {
 public:
  virtual ~SpdkRetired() = default;
  /// True when it has ended and may be destroyed. SPDK's application pthread.
  virtual bool poll_end() noexcept = 0;
};

class SpdkEnvironment {
 public:
  /// The environment, started with `options` if it is the first time. DEVICE_FAILED when SPDK does not start; then it
  /// never does in this process.
  static base::Result<SpdkEnvironment*> get(const SpdkOptions& options);

  /// Applies the first configuration of the process, unless that has been done. Fails as `apply`.
  base::Status begin(const SpdkOptions& options, bool& applied);
  /// Applies a configuration (`SpdkOptions::config`): all of it the first time, later what can be added to a running
  /// SPDK; what exists already stays as it is. CONFIG_INVALID when it cannot be read or SPDK refuses it.
  base::Status apply(const SpdkOptions& options);

  /// Reserves a bdev for one engine of this process; false when another has it. The engine holds `inside` while it is
  /// in SPDK, and stays out once the process is `exiting`: then the libraries are taken down.
  bool reserve(const std::string& bdev, std::mutex& inside);
  void release(const std::string& bdev);
  [[nodiscard]] bool exiting() const noexcept { return exiting_.load(std::memory_order_acquire); }

  /// Polls `retired` to its end; waits for that, but not longer than `patience`.
  void retire(std::unique_ptr<SpdkRetired> retired, std::chrono::milliseconds patience);

 private:
  struct Load;
  /// SPDK's subsystems have started: bdevs may be opened.
  [[nodiscard]] bool running() const noexcept { return running_.load(std::memory_order_acquire); }
  struct Leaving {
    std::unique_ptr<SpdkRetired> retired;
    std::promise<void> ended;
  };

  explicit SpdkEnvironment(const SpdkOptions& options);
  [[nodiscard]] base::Status start(const SpdkOptions& options);
  [[nodiscard]] base::Status load(const SpdkOptions& options);
  void run() noexcept;
  bool turn() noexcept;
  void post(std::function<void()> task);
  void load_next_stage(const std::shared_ptr<Load>& load) noexcept;
  static void stage_done(int error, void* load) noexcept;
  void leave() noexcept;

  base::Status started_;
  std::thread thread_;
  spdk_thread* app_thread_ = nullptr;
  runtime::WakeEvent event_;
  std::atomic<bool> running_{false};
  std::atomic<bool> exiting_{false};
  /// Of the application pthread: SPDK works on a configuration.
  std::shared_ptr<Load> loading_;
  std::vector<Leaving> leaving_;

  std::mutex apply_mutex_;
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;
  std::map<std::string, std::mutex*> reserved_;
};

}  // namespace ferrite::engine
