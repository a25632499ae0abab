// The file or block device behind an image: parsed, opened for direct I/O, locked, sized.
// Threads: one owner. Owns the file descriptor and with it the lock.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/block_device.h"

namespace ferrite::engine {

class ImageFile {
 public:
  /// Opens `file:PATH` or `block:PATH`, creating and sizing the file when allowed. Fails with CONFIG_INVALID,
  /// PATH_NOT_WRITABLE, IMAGE_LOCKED or DEVICE_FULL.
  static base::Result<ImageFile> open(const OpenOptions& options);

  ImageFile(ImageFile&& other) noexcept;
  ImageFile& operator=(ImageFile&&) = delete;
  ~ImageFile();

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }
  /// The file did not exist or was empty.
  [[nodiscard]] bool fresh() const noexcept { return fresh_; }
  /// O_DIRECT is in force; without it (some file systems) the page cache stands between.
  [[nodiscard]] bool direct() const noexcept { return direct_; }
  [[nodiscard]] bool is_block_device() const noexcept { return block_; }
  [[nodiscard]] DurabilityContract durability() const noexcept { return durability_; }

 private:
  ImageFile() noexcept = default;
  base::Status open_path(const char* path, const OpenOptions& options) noexcept;
  [[nodiscard]] DurabilityContract examine() const noexcept;

  int fd_ = -1;
  std::uint64_t size_bytes_ = 0;
  bool fresh_ = false;
  bool direct_ = false;
  bool block_ = false;
  DurabilityContract durability_;
};

}  // namespace ferrite::engine
