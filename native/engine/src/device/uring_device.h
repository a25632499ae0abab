// File or block device driven by io_uring with direct I/O; sleeps in one system call for device and wake-ups alike.
// Threads and ownership as BlockDevice; made on the thread that owns it.
#pragma once

#include <memory>

#include "base/result.h"
#include "device/image_file.h"
#include "engine/block_device.h"

namespace ferrite::engine {

/// DEVICE_FAILED with the errno when the kernel refuses io_uring; `image` is then untouched and usable otherwise.
base::Result<std::unique_ptr<BlockDevice>> open_uring_device(ImageFile& image);

}  // namespace ferrite::engine
