// Gets that a client's own thread does from end to end: it looks the place up, reads it on a lane of the device and
// verifies it, so that no other thread has to be woken. What must wait for the log goes to the reactor instead.
//
// Threads: the client's. Owned by the Client; keeps the core alive.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/client_queue.h"
#include "core/read_buffers.h"
#include "engine/block_device.h"
#include "index/location.h"
#include "runtime/intrusive_list.h"

namespace ferrite::engine::internal {

class Core;

/// Where the record of a key may lie: looked up, and pinned against reuse until released.
struct PinnedPlaces {
  static constexpr std::size_t kMax = 4;
  std::array<Location, kMax> locations;
  /// record_seed of each.
  std::array<std::uint64_t, kMax> seeds{};
  std::size_t count = 0;
};

class LaneReader {
 public:
  /// Nothing where the device has no lanes.
  static std::unique_ptr<LaneReader> open(std::shared_ptr<Core> core, std::shared_ptr<ClientQueue> queue);
  ~LaneReader();

  [[nodiscard]] int fd() const noexcept { return lane_->fd(); }
  /// Accepted or refused here; nothing when the reactor has to do it.
  std::optional<base::Status> get(std::uint32_t keyspace, base::Bytes key, std::uint64_t tag);
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  bool enter(const Patience& patience) noexcept;
  std::size_t drain(std::span<Completion> out) noexcept;
  void settle() noexcept;

 private:
  struct Op {
    Op* next = nullptr;
    LaneReader* reader = nullptr;
    IoRequest io;
    std::uint64_t tag = 0;
    std::uint64_t begun_ns = 0;
    std::uint32_t keyspace = 0;
    std::uint32_t key_length = 0;
    std::array<std::uint8_t, kKeyBytesMax> key_bytes{};
    PinnedPlaces places;
    std::size_t place = 0;
    bool unreadable = false;
    std::unique_ptr<ReadBuffer> buffer;
  };

  LaneReader(std::shared_ptr<Core> core, std::shared_ptr<ClientQueue> queue, std::unique_ptr<ReadLane> lane) noexcept;
  bool read(Op& op) noexcept;
  void finish_read(Op& op) noexcept;
  void try_next(Op& op) noexcept;
  void finish(Op& op, base::Status status, std::unique_ptr<ReadBuffer> buffer) noexcept;

  std::shared_ptr<Core> core_;
  std::shared_ptr<ClientQueue> queue_;
  std::unique_ptr<ReadLane> lane_;
  std::vector<std::unique_ptr<Op>> ops_;
  runtime::IntrusiveList<Op> idle_;
  std::size_t in_flight_ = 0;
  std::vector<Completion> done_;
  std::size_t drained_ = 0;
};

}  // namespace ferrite::engine::internal
