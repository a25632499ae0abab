#include "device/image_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>
#include <utility>

namespace ferrite::engine {
namespace {

using base::Reason;
using base::Status;

constexpr char kFilePrefix[] = "file:";
constexpr char kBlockPrefix[] = "block:";

/// The kernel takes down the io_uring of a killed process, and with it the lock, a moment after the process is gone.
constexpr std::chrono::milliseconds kLockPatience{2000};
constexpr std::chrono::milliseconds kLockRetry{10};

/// False, with errno, when somebody else keeps the lock.
bool lock_patiently(int fd) noexcept {
  const auto give_up = std::chrono::steady_clock::now() + kLockPatience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK || std::chrono::steady_clock::now() >= give_up) return false;
    std::this_thread::sleep_for(kLockRetry);
  }
  return true;
}

/// False when the kernel sends no flushes to this block device, because it takes it to have no volatile cache.
bool kernel_flushes(int fd) noexcept {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return true;
  for (const char* form : {"/sys/dev/block/%u:%u/queue/write_cache", "/sys/dev/block/%u:%u/../queue/write_cache"}) {
    char path[96];
    std::snprintf(path, sizeof path, form, major(info.st_rdev), minor(info.st_rdev));
    const int setting = ::open(path, O_RDONLY | O_CLOEXEC);
    if (setting < 0) continue;  // of a partition, the whole drive has it
    char text[16] = {};
    const ssize_t length = ::read(setting, text, sizeof text - 1);
    ::close(setting);
    return length <= 0 || std::strncmp(text, "write through", 13) != 0;
  }
  return true;
}

}  // namespace

ImageFile::ImageFile(ImageFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      size_bytes_(other.size_bytes_),
      fresh_(other.fresh_),
      direct_(other.direct_),
      block_(other.block_),
      durability_(other.durability_) {}

ImageFile::~ImageFile() {
  if (fd_ < 0) return;
  // Said outright: a ring that is being torn down may hold the file a little longer.
  ::flock(fd_, LOCK_UN);
  ::close(fd_);
}

DurabilityContract ImageFile::examine() const noexcept {
  if (block_) {
    return kernel_flushes(fd_) ? DurabilityContract{true, "flush empties the drive's volatile cache"}
                               : DurabilityContract{true, "the kernel takes the drive to have no volatile cache"};
  }
  struct statfs file_system {};
  if (::fstatfs(fd_, &file_system) == 0 &&
      (file_system.f_type == TMPFS_MAGIC || file_system.f_type == RAMFS_MAGIC)) {
    return {false, "none: the file lies in memory (tmpfs); put the image on a disk's file system"};
  }
  return {true, direct_ ? "fdatasync of a file with direct I/O: as durable as its file system and drive make it"
                        : "fdatasync of a file without direct I/O: as durable as its file system and drive make it"};
}

base::Result<ImageFile> ImageFile::open(const OpenOptions& options) {
  ImageFile image;
  const std::string& spec = options.device;
  std::size_t prefix = 0;
  if (spec.starts_with(kFilePrefix)) {
    prefix = sizeof kFilePrefix - 1;
  } else if (spec.starts_with(kBlockPrefix)) {
    prefix = sizeof kBlockPrefix - 1;
    image.block_ = true;
  }
  if (prefix == 0 || spec.size() == prefix || spec.find('\0') != std::string::npos) {
    return Status(Reason::kConfigInvalid, "the device must be file:PATH, block:PATH, spdk:BDEV or memory:");
  }
  const Status opened = image.open_path(spec.c_str() + prefix, options);
  if (!opened.ok()) return opened;
  image.durability_ = image.examine();
  return image;
}

Status ImageFile::open_path(const char* path, const OpenOptions& options) noexcept {
  const int create = options.create_if_missing && !block_ ? O_CREAT : 0;
  direct_ = true;
  fd_ = ::open(path, O_RDWR | O_CLOEXEC | O_DIRECT | create, 0600);
  if (fd_ < 0 && errno == EINVAL) {
    direct_ = false;
    fd_ = ::open(path, O_RDWR | O_CLOEXEC | create, 0600);
  }
  if (fd_ < 0) return Status(Reason::kPathNotWritable, "the image cannot be opened for reading and writing", errno);
  if (!lock_patiently(fd_)) {
    return errno == EWOULDBLOCK ? Status(Reason::kImageLocked, "another process or engine has the image open", errno)
                                : Status(Reason::kPathNotWritable, "the image cannot be locked", errno);
  }
  struct stat info {};
  if (::fstat(fd_, &info) != 0) return Status(Reason::kPathNotWritable, "the image cannot be examined", errno);
  if (block_ != S_ISBLK(info.st_mode) || (!block_ && !S_ISREG(info.st_mode))) {
    return Status(Reason::kConfigInvalid, "file: needs a regular file and block: a block device");
  }
  if (block_) {
    if (::ioctl(fd_, BLKGETSIZE64, &size_bytes_) != 0) {
      return Status(Reason::kPathNotWritable, "the size of the block device cannot be read", errno);
    }
  } else {
    size_bytes_ = static_cast<std::uint64_t>(info.st_size);
    fresh_ = size_bytes_ == 0;
    if (fresh_ && options.create_if_missing) {
      size_bytes_ = options.size_bytes / kBlockBytes * kBlockBytes;
      if (::ftruncate(fd_, static_cast<off_t>(size_bytes_)) != 0) {
        const int error = errno;
        return Status(error == EINVAL ? Reason::kConfigInvalid : Reason::kDeviceFull,
                      "the image file cannot be made that large", error);
      }
      if (::fsync(fd_) != 0) return Status(Reason::kDeviceFailed, "the new image file cannot be made durable", errno);
    }
  }
  size_bytes_ = size_bytes_ / kBlockBytes * kBlockBytes;
  return Status();
}

}  // namespace ferrite::engine
