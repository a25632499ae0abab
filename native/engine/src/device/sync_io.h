// One request at a time, waited for: what opening and closing use. Threads: the device's owner. Owns nothing.
#pragma once

#include "engine/block_device.h"

namespace ferrite::engine {

/// Runs one request to its end; returns 0 or an errno value. Other requests may finish meanwhile.
inline int run_io(BlockDevice& device, IoKind kind, std::uint64_t offset, base::MutableBytes buffer,
                  const char* site = __builtin_FUNCTION()) noexcept {
  bool finished = false;
  IoRequest request;
  request.kind = kind;
  request.offset = offset;
  request.length = static_cast<std::uint32_t>(buffer.size());
  request.buffer = buffer.data();
  request.owner = &finished;
  request.site = site;
  request.done = [](IoRequest& r) { *static_cast<bool*>(r.owner) = true; };
  device.submit(request);
  while (!finished) device.park(-1);
  return request.error;
}

}  // namespace ferrite::engine
