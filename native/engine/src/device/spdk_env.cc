#include "device/spdk_env.h"

#include <sched.h>

#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "device/spdk_api.h"

namespace ferrite::engine {
namespace {

using base::Reason;
using base::Status;

/// SPDK sends messages between its threads without waking anyone: how long one may lie.
constexpr int kTurnMs = 5;
constexpr std::chrono::microseconds kBusyPause{50};
/// A configuration may connect to targets that do not answer; SPDK's own limits end that first.
constexpr std::chrono::seconds kApplyPatience{60};

bool has_free_huge_pages() {
  std::ifstream table("/proc/meminfo");
  for (std::string line; std::getline(table, line);) {
    unsigned pages = 0;
    if (std::sscanf(line.c_str(), "HugePages_Free: %u", &pages) == 1) return pages > 0;
  }
  return false;
}

Status read_configuration(const std::string& config, std::string& text) {
  if (config.starts_with("{")) {
    text = config;
    return Status();
  }
  std::ifstream file(config);
  std::ostringstream all;
  all << file.rdbuf();
  if (!file.good() || all.str().empty()) {
    return Status(Reason::kConfigInvalid, "the file of the SPDK configuration cannot be read");
  }
  text = all.str();
  return Status();
}

// Whatever SPDK does to the handling of SIGBUS is undone: the process may have a handler of its own.
class SigbusKept {
 public:
  SigbusKept() noexcept { ::sigaction(SIGBUS, nullptr, &before_); }
  ~SigbusKept() { ::sigaction(SIGBUS, &before_, nullptr); }
  SigbusKept(const SigbusKept&) = delete;
  SigbusKept& operator=(const SigbusKept&) = delete;

 private:
  struct sigaction before_ {};
};

// SPDK's messages go to stderr, but a controller that is lost repeats itself hundreds of times a second.
void print_log(int level, const char*, const int, const char*, const char* format, va_list values) {
  constexpr int kPerSecond = 10;
  static std::atomic<std::time_t> second{0};
  static std::atomic<int> printed{0};
  if (level > spdk_log_get_print_level()) return;
  const std::time_t now = std::time(nullptr);
  if (second.exchange(now) != now) printed.store(0);
  if (printed.fetch_add(1) >= kPerSecond) return;
  char text[512];
  std::vsnprintf(text, sizeof text, format, values);
  std::fprintf(stderr, "spdk: %s", text);
}

int start_dpdk(const SpdkOptions& options) {
  const SigbusKept sigbus;
  const bool no_huge = options.no_huge.value_or(!has_free_huge_pages());
  const std::string lcore = "0@" + std::to_string(std::max(0, ::sched_getcpu()));
  spdk_env_opts env{};
  env.opts_size = sizeof env;
  spdk_env_opts_init(&env);
  env.name = "ferrite";
  env.core_mask = nullptr;
  env.lcore_map = lcore.c_str();
  env.mem_size = static_cast<int>(options.memory_mib);
  env.no_huge = no_huge;
  env.no_pci = no_huge;
  // In memory and of one segment: needs no mount of hugetlbfs.
  env.hugepage_single_segments = !no_huge;
  char context[] = "--in-memory --log-level=lib.eal:4";
  env.env_context = no_huge ? context + sizeof "--in-memory" : context;
  const int error = spdk_env_init(&env);
  spdk_unaffinitize_thread();
  return error;
}

}  // namespace

/// One configuration on its way through the stages: start-up methods, start of the subsystems, run-time methods.
struct SpdkEnvironment::Load {
  enum class Stage { kStartup, kSubsystems, kRuntime };
  SpdkEnvironment* environment;
  std::string text;
  Stage stage;
  bool first;
  std::promise<Status> result;
};

base::Result<SpdkEnvironment*> SpdkEnvironment::get(const SpdkOptions& options) {
  static SpdkEnvironment* const environment = new SpdkEnvironment(options);
  if (!environment->started_.ok()) return environment->started_;
  return environment;
}

SpdkEnvironment::SpdkEnvironment(const SpdkOptions& options) {
  std::promise<Status> started;
  thread_ = std::thread([&] {
    const Status status = start(options);
    const bool ok = status.ok();
    started.set_value(status);
    if (ok) run();
  });
  started_ = started.get_future().get();
  if (!started_.ok()) {
    thread_.join();
    return;
  }
  // The libraries' own destructors must not run under a working thread.
  static SpdkEnvironment* const self = this;
  std::atexit([] { self->leave(); });
}

Status SpdkEnvironment::start(const SpdkOptions& options) {
  spdk_log_set_print_level(SPDK_LOG_ERROR);
  spdk_log_open(print_log);
  if (start_dpdk(options) != 0) {
    return Status(Reason::kDeviceFailed, "SPDK's environment does not start: see its messages on stderr");
  }
  if (spdk_thread_lib_init(nullptr, 0) != 0) {
    return Status(Reason::kDeviceFailed, "SPDK's threads do not start: give it more memory (memoryMiB)");
  }
  app_thread_ = spdk_thread_create("ferrite_app", nullptr);
  if (app_thread_ == nullptr) return Status(Reason::kDeviceFailed, "SPDK's application thread cannot be made");
  return Status();
}

void SpdkEnvironment::run() noexcept {
  while (!exiting()) {
    if (turn()) {
      std::this_thread::sleep_for(kBusyPause);
    } else {
      event_.wait(kTurnMs);
    }
  }
}

// True when something is under way that should not wait.
bool SpdkEnvironment::turn() noexcept {
  spdk_set_thread(app_thread_);
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const std::function<void()>& task : tasks) task();
  spdk_thread_poll(app_thread_, 0, 0);
  std::erase_if(leaving_, [](Leaving& leaving) {
    if (!leaving.retired->poll_end()) return false;
    leaving.retired.reset();
    leaving.ended.set_value();
    return true;
  });
  spdk_set_thread(app_thread_);
  return loading_ != nullptr || !leaving_.empty();
}

void SpdkEnvironment::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  event_.signal();
}

Status SpdkEnvironment::begin(const SpdkOptions& options, bool& applied) {
  const std::lock_guard lock(apply_mutex_);
  applied = !running();
  return applied ? load(options) : Status();
}

Status SpdkEnvironment::apply(const SpdkOptions& options) {
  const std::lock_guard lock(apply_mutex_);
  return load(options);
}

Status SpdkEnvironment::load(const SpdkOptions& options) {
  std::string text;
  if (options.config.empty()) return Status(Reason::kConfigInvalid, "an spdk: device needs an SPDK configuration");
  if (const Status status = read_configuration(options.config, text); !status.ok()) return status;
  auto load = std::make_shared<Load>();
  load->environment = this;
  load->text = std::move(text);
  load->first = !running();
  load->stage = load->first ? Load::Stage::kStartup : Load::Stage::kRuntime;
  std::future<Status> result = load->result.get_future();
  post([this, load] {
    if (loading_ != nullptr) {
      load->result.set_value(Status(Reason::kDeviceFailed, "SPDK is still busy with an earlier configuration"));
      return;
    }
    loading_ = load;
    load_next_stage(load);
  });
  if (result.wait_for(kApplyPatience) != std::future_status::ready) {
    return Status(Reason::kDeviceFailed, "SPDK does not finish with its configuration");
  }
  return result.get();
}

void SpdkEnvironment::load_next_stage(const std::shared_ptr<Load>& load) noexcept {
  if (load->stage == Load::Stage::kSubsystems) {
    spdk_subsystem_init(stage_done, load.get());
  } else {
    // A configuration that is applied again finds most of its objects there: that is no reason to stop.
    spdk_subsystem_load_config(load->text.data(), static_cast<ssize_t>(load->text.size()), stage_done, load.get(),
                               load->first);
  }
}

void SpdkEnvironment::stage_done(int error, void* context) noexcept {
  auto& load = *static_cast<Load*>(context);
  SpdkEnvironment& self = *load.environment;
  const std::shared_ptr<Load> kept = self.loading_;
  Status status;
  switch (load.stage) {
    case Load::Stage::kStartup:
      if (error == 0) {
        load.stage = Load::Stage::kSubsystems;
        return self.load_next_stage(kept);
      }
      status = Status(Reason::kConfigInvalid, "SPDK refuses its configuration: its messages on stderr say why");
      break;
    case Load::Stage::kSubsystems:
      if (error == 0) {
        spdk_rpc_set_state(SPDK_RPC_RUNTIME);
        self.running_.store(true, std::memory_order_release);
        load.stage = Load::Stage::kRuntime;
        return self.load_next_stage(kept);
      }
      status = Status(Reason::kDeviceFailed, "SPDK's subsystems do not start: see its messages on stderr", -error);
      break;
    case Load::Stage::kRuntime:
      if (error != 0) {
        status = Status(Reason::kConfigInvalid, "SPDK refuses its configuration: its messages on stderr say why");
      }
      break;
  }
  self.loading_.reset();
  load.result.set_value(status);
}

bool SpdkEnvironment::reserve(const std::string& bdev, std::mutex& inside) {
  const std::lock_guard lock(mutex_);
  return reserved_.emplace(bdev, &inside).second;
}

void SpdkEnvironment::release(const std::string& bdev) {
  const std::lock_guard lock(mutex_);
  reserved_.erase(bdev);
}

void SpdkEnvironment::retire(std::unique_ptr<SpdkRetired> retired, std::chrono::milliseconds patience) {
  auto leaving = std::make_shared<Leaving>(Leaving{std::move(retired), {}});
  std::future<void> ended = leaving->ended.get_future();
  post([this, leaving] { leaving_.push_back(std::move(*leaving)); });
  ended.wait_for(patience);
}

// The process exits: DPDK's destructor unmaps the memory under whoever still works with it.
void SpdkEnvironment::leave() noexcept {
  exiting_.store(true, std::memory_order_release);
  event_.signal();
  thread_.join();
  const std::lock_guard lock(mutex_);
  for (const auto& [bdev, inside] : reserved_) const std::lock_guard last_one_out(*inside);
}

}  // namespace ferrite::engine
