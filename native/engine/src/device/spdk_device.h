// Any bdev of an installed SPDK (NVMe in user space, NVMe over fabrics, aio, malloc) as a block device.
//
// Two builds of this interface exist: spdk_device.cc, linked with SPDK, and spdk_absent.cc, which refuses.
// Threads and ownership as BlockDevice; made and destroyed on the thread that owns it.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "engine/block_device.h"

namespace ferrite::engine {

inline constexpr std::string_view kSpdkPrefix = "spdk:";

/// Opens `spdk:BDEV`; blocks while the configuration is applied. Fails with SPDK_NOT_INSTALLED, CONFIG_INVALID (no such
/// bdev, a configuration SPDK refuses, blocks of another size), IMAGE_LOCKED or DEVICE_FAILED (SPDK does not start).
base::Result<std::unique_ptr<BlockDevice>> open_spdk_device(const OpenOptions& options);

}  // namespace ferrite::engine
