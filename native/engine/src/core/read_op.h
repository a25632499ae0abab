// One get, scan or flush on its way through the reactor. Threads: the submitter until submitted, then the reactor.
// Owned by the core, recycled.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/client_queue.h"
#include "core/read_buffers.h"
#include "engine/block_device.h"
#include "index/index.h"

namespace ferrite::engine::internal {

class Core;

/// What a walk's step asks for and what its page lists so far.
struct WalkState {
  WalkRequest request;
  std::unique_ptr<WalkPage> page;
  /// The list's entry of each part.
  std::vector<std::uint32_t> entry_of_part;
};

struct ReadOp {
  ReadOp* next = nullptr;
  Core* core = nullptr;
  ClientQueue* client = nullptr;
  std::uint64_t tag = 0;
  std::uint64_t begun_ns = 0;
  OpKind kind = OpKind::kGet;
  std::uint32_t keyspace = 0;
  /// Waits until every write up to this sequence is applied; 0: does not wait.
  std::uint64_t barrier = 0;
  std::array<std::uint8_t, kKeyBytesMax> key_bytes{};
  std::uint32_t key_length = 0;
  /// get: of the key. scan: of the key to start behind.
  std::uint64_t hash = 0;

  // scan
  std::uint32_t partition = 0;
  std::uint32_t max_records = 0;
  std::uint32_t max_bytes = 0;
  bool values = true;
  bool more = false;
  std::uint32_t damaged = 0;

  struct Part {
    IoRequest io;
    ReadOp* op = nullptr;
    std::uint64_t hash = 0;
    Location location;
    /// Of the record in the buffer.
    std::uint32_t offset = 0;
    bool sound = false;
  };
  /// A scan that is a step of a walk.
  std::unique_ptr<WalkState> walk;

  /// get: the candidates, one read at a time. scan: the page's records.
  std::vector<Part> parts;
  std::size_t next_part = 0;
  std::size_t reading = 0;
  bool pinned = false;
  bool unreadable = false;
  /// scrub: bytes per second.
  std::uint64_t scrub_rate = 0;
  std::unique_ptr<ReadBuffer> buffer;

  [[nodiscard]] base::Bytes key() const noexcept { return {key_bytes.data(), key_length}; }
};

}  // namespace ferrite::engine::internal
