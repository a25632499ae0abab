// What the core does for clients that read for themselves: places looked up and pinned, under the same rules as a get of
// the reactor's own.
#include "checksum/xxh64.h"
#include "core/core.h"
#include "core/lane_reader.h"

namespace ferrite::engine::internal {

using base::Reason;
using base::Status;

std::unique_ptr<ReadLane> Core::open_lane() {
  const std::lock_guard lock(mutex_);
  return finished_ || closing_ ? nullptr : device_->open_lane();
}

// Nothing: the key has a write that is not durable yet, or too many places; the reactor knows how to wait and to try.
std::optional<Status> Core::begin_lane_get(const std::shared_ptr<ClientQueue>& client, std::uint32_t keyspace,
                                           base::Bytes key, std::uint64_t tag, PinnedPlaces& places) {
  if (const Status status = check_key(key); !status.ok()) return status;
  const std::uint64_t hash = checksum::xxh64(key);
  {
    const std::lock_guard lock(mutex_);
    if (failed()) return Status(Reason::kDeviceFailed, "the engine has stopped after a device failure");
    if (closing_) return Status(Reason::kShuttingDown, "the engine is closing");
    if (pending_.may_hold(keyspace, hash)) return std::nullopt;
    if (!client->enter()) {
      add(counters_.refused_overloaded, 1);
      return Status(Reason::kOverloaded, "too many operations are in flight");
    }
  }
  {
    // After the look at the filter: a write that was pending then is applied by now.
    const std::lock_guard lock(index_mutex_);
    places.count = index_->find(keyspace, hash, places.locations);
    for (std::size_t i = 0; i < places.count && places.count <= PinnedPlaces::kMax; ++i) {
      const std::uint64_t address = places.locations[i].address();
      places.seeds[i] = segments_->seed_at(address);
      segments_->at(address).readers.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (places.count > PinnedPlaces::kMax) {
    undo_lane_get(*client);
    return std::nullopt;
  }
  add(counters_.gets, 1);
  Observer::submitted(OpKind::kGet, tag, 0);
  return Status();
}

bool Core::may_hold(std::uint32_t keyspace, base::Bytes key) noexcept {
  if (!check_key(key).ok()) return true;
  const std::uint64_t hash = checksum::xxh64(key);
  {
    const std::lock_guard lock(mutex_);
    if (failed() || closing_ || pending_.may_hold(keyspace, hash)) return true;
  }
  // After the look at the filter: a write that was pending then is applied by now.
  const std::lock_guard lock(index_mutex_);
  Location location;
  if (index_->find(keyspace, hash, {&location, 1}) > 0) return true;
  add(counters_.gets, 1);
  return false;
}

void Core::undo_lane_get(ClientQueue& client) noexcept {
  const std::lock_guard lock(mutex_);
  client.leave();
}

void Core::unpin_places(PinnedPlaces& places) noexcept {
  bool last = false;
  for (std::size_t i = 0; i < places.count; ++i) {
    last |= segments_->at(places.locations[i].address()).readers.fetch_sub(1) == 1;
  }
  places.count = 0;
  // The log may be waiting for just this segment. Sequentially consistent with `quiet`: one of the two sees the other.
  if (!last || !waiting_place_.load()) return;
  const std::lock_guard lock(mutex_);
  if (!finished_) wake_if_parked();
}

std::unique_ptr<ReadBuffer> Core::acquire_buffer(std::uint32_t bytes) { return buffers_->acquire(bytes); }

void Core::watch_lane_read(const IoRequest& request) noexcept {
  add(counters_.device_reads, 1);
  add(counters_.read_bytes, request.length);
}

void Core::note_lane_get(const Completion& completion, std::uint64_t latency_ns) noexcept {
  observer_.completed(completion, latency_ns);
}

}  // namespace ferrite::engine::internal
