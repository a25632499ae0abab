// Reads back which key lies where a write wants to put another under the same hash. Threads: the reactor. Owned by the
// core; core_write.cc is its only user.
#pragma once

#include <cstdint>

#include "base/aligned_buffer.h"
#include "core/intake.h"
#include "engine/block_device.h"
#include "index/location.h"

namespace ferrite::engine::internal {

class Core;

struct Verifier {
  IoRequest io;
  base::AlignedBuffer buffer;
  Core* core = nullptr;
  StagedWrite* write = nullptr;
  Location location;
  Verifier* next = nullptr;
};
struct Question {
  std::uint32_t write;
  Location location;
};

}  // namespace ferrite::engine::internal
