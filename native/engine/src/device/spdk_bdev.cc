#include "device/spdk_bdev.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "device/spdk_device.h"

namespace ferrite::engine {
namespace {

using base::Reason;
using base::Status;

int append_json(void* text, const void* data, std::size_t bytes) {
  static_cast<std::string*>(text)->append(static_cast<const char*>(data), bytes);
  return 0;
}

/// What the module says of the bdev, as JSON.
std::string describe(spdk_bdev* bdev) {
  std::string text;
  spdk_json_write_ctx* writer = spdk_json_write_begin(append_json, &text, 0);
  if (writer == nullptr) return text;
  spdk_json_write_object_begin(writer);
  spdk_bdev_dump_info_json(bdev, writer);
  spdk_json_write_object_end(writer);
  spdk_json_write_end(writer);
  return text;
}

/// The file or block device below a bdev of the kinds aio and uring; empty for others.
std::string path_below(spdk_bdev* bdev) {
  constexpr std::string_view kField = "\"filename\":\"";
  const std::string description = describe(bdev);
  const std::size_t found = description.find(kField);
  if (found == std::string::npos) return {};
  const std::size_t begin = found + kField.size();
  return description.substr(begin, description.find('"', begin) - begin);
}

bool in_memory(const std::string& path) {
  struct statfs file_system {};
  return ::statfs(path.c_str(), &file_system) == 0 &&
         (file_system.f_type == TMPFS_MAGIC || file_system.f_type == RAMFS_MAGIC);
}

// SPDK's flush means something else for every kind of bdev, and for some nothing. What is not known is not promised.
DurabilityContract contract_of(spdk_bdev* bdev, const std::string& path) {
  const std::string_view module = spdk_bdev_get_module_name(bdev);
  const bool flushes = spdk_bdev_io_type_supported(bdev, SPDK_BDEV_IO_TYPE_FLUSH);
  if (module == "nvme") {
    if (!spdk_bdev_has_write_cache(bdev)) return {true, "the NVMe drive says that it has no volatile write cache"};
    spdk_bdev_nvme_opts options{};
    spdk_bdev_nvme_get_opts(&options, sizeof options);
    if (options.enable_flush) return {true, "flush empties the volatile write cache of the NVMe drive"};
    return {false,
            "the NVMe drive has a volatile write cache and SPDK sends it no flush; "
            "set enable_flush in bdev_nvme_set_options of the SPDK configuration"};
  }
  if (module == "aio" && flushes) {
    if (in_memory(path)) return {false, "none: the file of the aio bdev lies in memory (tmpfs)"};
    return {true, "fsync of the file or drive below the aio bdev: as durable as the kernel and the drive make it"};
  }
  if (module == "uring") {
    return {false, "the uring bdev of SPDK cannot flush; use an aio bdev, or the same path as file: or block:"};
  }
  if (module == "malloc" || module == "null") return {false, "none: the bdev keeps its contents in memory, or nowhere"};
  return {false, "nothing is known of what a flush means for this kind of bdev; use an nvme or aio bdev"};
}

}  // namespace

base::Result<std::unique_ptr<SpdkBdev>> SpdkBdev::open(SpdkEnvironment& environment, const OpenOptions& options) {
  std::unique_ptr<SpdkBdev> opened(new SpdkBdev(environment, options.device.substr(kSpdkPrefix.size())));
  if (opened->name_.empty()) return Status(Reason::kConfigInvalid, "the device must be spdk:BDEV");
  opened->reserved_ = environment.reserve(opened->name_, opened->inside_);
  if (!opened->reserved_) return Status(Reason::kImageLocked, "another engine of this process has the bdev open");
  opened->thread_ = spdk_thread_create("ferrite_engine", nullptr);
  if (opened->thread_ == nullptr) {
    return Status(Reason::kDeviceFailed, "SPDK has no memory for one more thread: raise memoryMiB");
  }
  spdk_set_thread(opened->thread_);
  Status status = opened->open_descriptor(options.spdk);
  if (status.ok()) status = opened->examine();
  if (status.ok()) return opened;
  opened->let_go();
  while (!opened->poll_end()) std::this_thread::yield();  // SPDK itself ends a thread within five seconds
  return status;
}

Status SpdkBdev::open_descriptor(const SpdkOptions& options) {
  bool applied = false;
  if (const Status status = environment_.begin(options, applied); !status.ok()) return status;
  int error = spdk_bdev_open_ext(name_.c_str(), true, on_event, this, &descriptor_);
  if (error == -ENODEV && !applied) {
    if (const Status status = environment_.apply(options); !status.ok()) return status;
    error = spdk_bdev_open_ext(name_.c_str(), true, on_event, this, &descriptor_);
  }
  if (error == -ENODEV) {
    return Status(Reason::kConfigInvalid, "the SPDK configuration makes no bdev of that name", -error);
  }
  if (error == -EPERM) return Status(Reason::kImageLocked, "another module of SPDK has claimed the bdev", -error);
  if (error != 0) return Status(Reason::kDeviceFailed, "SPDK does not open the bdev", -error);
  channel_ = spdk_bdev_get_io_channel(descriptor_);
  if (channel_ == nullptr) return Status(Reason::kDeviceFailed, "SPDK gives no channel to the bdev");
  return Status();
}

Status SpdkBdev::examine() {
  const std::uint64_t block = spdk_bdev_get_block_size(bdev());
  const std::uint64_t unit = block * spdk_bdev_get_write_unit_size(bdev());
  if (unit == 0 || kBlockBytes % unit != 0 || spdk_bdev_is_md_interleaved(bdev())) {
    return Status(Reason::kConfigInvalid, "the bdev must have blocks of 512 to 4096 bytes without metadata in them");
  }
  size_bytes_ = block * spdk_bdev_get_num_blocks(bdev()) / kBlockBytes * kBlockBytes;
  const std::string path = path_below(bdev());
  struct stat file {};
  allocates_on_write_ = !path.empty() && ::stat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode);
  durability_ = contract_of(bdev(), path);
  return Status();
}

SpdkBdev::~SpdkBdev() {
  FERRITE_CHECK(descriptor_ == nullptr);
  if (thread_ != nullptr) spdk_thread_destroy(thread_);
  if (reserved_) environment_.release(name_);
}

void SpdkBdev::on_event(spdk_bdev_event_type type, spdk_bdev*, void* self) noexcept {
  if (type == SPDK_BDEV_EVENT_REMOVE) static_cast<SpdkBdev*>(self)->removed_ = true;
}

void SpdkBdev::poll() noexcept {
  spdk_set_thread(thread_);
  spdk_thread_poll(thread_, 0, 0);
}

void SpdkBdev::let_go() noexcept {
  spdk_set_thread(thread_);
  if (channel_ != nullptr) spdk_put_io_channel(std::exchange(channel_, nullptr));
  if (descriptor_ != nullptr) spdk_bdev_close(std::exchange(descriptor_, nullptr));
}

bool SpdkBdev::poll_end() noexcept {
  spdk_set_thread(thread_);
  spdk_thread_exit(thread_);
  spdk_thread_poll(thread_, 0, 0);
  const bool ended = spdk_thread_is_exited(thread_);
  spdk_set_thread(nullptr);
  return ended;
}

}  // namespace ferrite::engine
