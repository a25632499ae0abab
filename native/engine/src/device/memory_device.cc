#include "device/memory_device.h"

#include <cstring>

namespace ferrite::engine {

void MemoryDevice::submit(IoRequest& request) noexcept { submitted_.push(&request); }

void MemoryDevice::poll() noexcept {
  runtime::IntrusiveList<IoRequest> batch;
  batch.take(submitted_);
  while (IoRequest* request = batch.pop()) {
    if (request->kind != IoKind::kFlush) {
      FERRITE_CHECK(request->offset + request->length <= disk_->size());
      std::uint8_t* place = disk_->data() + request->offset;
      if (request->kind == IoKind::kRead) {
        std::memcpy(request->buffer, place, request->length);
      } else {
        std::memcpy(place, request->buffer, request->length);
      }
    }
    request->error = 0;
    request->done(*request);
  }
}

void MemoryDevice::park(int timeout_ms) noexcept {
  if (submitted_.empty()) event_.wait(timeout_ms);
  poll();
}

}  // namespace ferrite::engine
