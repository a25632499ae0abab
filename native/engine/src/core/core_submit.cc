// The way in: checks, reservations and hand-over to the reactor, on the submitter's thread.
#include <algorithm>
#include <cstring>

#include "checksum/xxh64.h"
#include "core/core.h"

namespace ferrite::engine::internal {

using base::Reason;
using base::Status;

Status check_key(base::Bytes key) noexcept {
  if (key.empty()) return Status(Reason::kKeyEmpty, "a key has at least one byte");
  if (key.size() > kKeyBytesMax) return Status(Reason::kKeyTooLarge, "a key has at most 1024 bytes");
  return Status();
}

/// A write on its way in.
struct Arrival {
  RecordKind kind;
  const PutRequest* request;
  /// Of the key; of a drop: the partition's first.
  std::uint64_t hash;
  std::uint32_t bytes = 0;
  std::uint8_t* place = nullptr;
};

Status Core::check_write(const PutRequest& request) const noexcept {
  if (const Status status = check_key(request.key); !status.ok()) return status;
  if (request.value.size() <= value_bytes_max_) return Status();
  return Status(Reason::kValueTooLarge, "the value is larger than this image accepts");
}

base::Result<std::uint64_t> Core::submit_write(const std::shared_ptr<ClientQueue>& client, RecordKind kind,
                                               const PutRequest& request, std::uint64_t tag) {
  if (const Status status = check_write(request); !status.ok()) return status;
  Arrival write{kind, &request, checksum::xxh64(request.key)};
  return accept_writes(client, {&write, 1}, tag);
}

base::Result<std::uint64_t> Core::submit_drop(const std::shared_ptr<ClientQueue>& client, std::uint32_t keyspace,
                                              std::uint32_t partition, std::uint64_t tag) {
  if (partition >= 1U << superblock_.partition_bits) {
    return Status(Reason::kArgumentInvalid, "partition is out of range");
  }
  PutRequest request;
  request.keyspace = keyspace;
  Arrival write{RecordKind::kDrop, &request, first_hash_of(partition, superblock_.partition_bits)};
  return accept_writes(client, {&write, 1}, tag);
}

base::Result<std::uint64_t> Core::submit_batch(const std::shared_ptr<ClientQueue>& client,
                                               std::span<const BatchWrite> writes, std::uint64_t tag) {
  if (writes.empty() || writes.size() > kBatchRecordsMax) {
    return Status(Reason::kArgumentInvalid, "a batch has 1 to 4096 writes");
  }
  std::vector<Arrival> arrivals;
  arrivals.reserve(writes.size());
  std::uint64_t bytes = 0;
  for (const BatchWrite& write : writes) {
    const PutRequest& request = write.request;
    if (const Status status = check_write(request); !status.ok()) return status;
    if (write.removal && !request.value.empty()) {
      return Status(Reason::kArgumentInvalid, "a removal has no value");
    }
    arrivals.push_back({write.removal ? RecordKind::kRemove : RecordKind::kPut, &request, checksum::xxh64(request.key)});
    bytes += record_bytes(static_cast<std::uint32_t>(request.key.size()), static_cast<std::uint32_t>(request.value.size()));
  }
  if (writes.size() > 1 && bytes > batch_bytes_max()) {
    return Status(Reason::kValueTooLarge, "the batch takes more of the log than batch_bytes_max of the report");
  }
  return accept_writes(client, arrivals, tag);
}

base::Result<std::uint64_t> Core::accept_writes(const std::shared_ptr<ClientQueue>& client, std::span<Arrival> writes,
                                                std::uint64_t tag) {
  const std::uint64_t begun_ns = base::monotonic_ns();
  std::uint32_t bytes = 0;
  bool puts = false;
  for (Arrival& write : writes) {
    write.bytes = record_bytes(static_cast<std::uint32_t>(write.request->key.size()),
                               static_cast<std::uint32_t>(write.request->value.size()));
    bytes += write.bytes;
    puts = puts || write.kind == RecordKind::kPut;
  }
  const auto count = static_cast<std::uint32_t>(writes.size());
  StagedGroup* group = nullptr;
  std::uint64_t first = 0;
  {
    const std::lock_guard lock(mutex_);
    if (failed()) return Status(Reason::kDeviceFailed, "the engine has stopped after a device failure");
    if (closing_) return Status(Reason::kShuttingDown, "the engine is closing");
    const Capacity& capacity = segments_->capacity();
    std::int64_t charge = 0;
    for (const Arrival& write : writes) charge += capacity.charge(write.bytes);
    if (promised_ + charge > (puts ? capacity.puts() : capacity.removals())) {
      add(counters_.refused_full, 1);
      if (options_.expire && !finished_) wake_if_parked();  // something may have ended since the reactor looked
      return Status(Reason::kDeviceFull, "the device has no room for the record");
    }
    if (!client->enter()) {
      add(counters_.refused_overloaded, 1);
      return Status(Reason::kOverloaded, "too many operations are in flight");
    }
    if (!intake_->reserve(count, bytes)) {
      client->leave();
      add(counters_.refused_overloaded, 1);
      return Status(Reason::kOverloaded, "the write queue is full");
    }
    promised_ += charge;
    first = next_sequence_;
    for (Arrival& arrival : writes) {
      const Intake::Ticket ticket = intake_->stage(arrival.bytes);
      group = ticket.group;
      arrival.place = ticket.place;
      StagedWrite& write = *ticket.write;
      // The last of them answers for all.
      write.client = &arrival == &writes.back() ? client.get() : nullptr;
      write.tag = tag;
      write.begun_ns = begun_ns;
      write.hash = arrival.hash;
      write.sequence = next_sequence_++;
      write.keyspace = arrival.request->keyspace;
      write.kind = arrival.kind;
      pending_.accepted(write);
    }
  }
  Observer::submitted(writes.back().kind == RecordKind::kPut ? OpKind::kAppend : OpKind::kRemove, tag, bytes);
  RecordHead head;
  head.boot = static_cast<std::uint32_t>(superblock_.boot_count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const PutRequest& request = *writes[i].request;
    head.kind = writes[i].kind;
    head.flags = static_cast<std::uint8_t>((i + 1 < count ? kBatchGoesOn : 0) | (i > 0 ? kBatchBegun : 0));
    head.keyspace = request.keyspace;
    head.generation = request.generation;
    head.expires_at_ms = request.expires_at_ms;
    head.partition = partition_of(writes[i].hash, superblock_.partition_bits);
    head.sequence = first + i;
    place_record(head, request.key, request.value, writes[i].place);
  }
  Intake::commit(*group, count);
  if (turns_.asleep() && wants_writes_.load(std::memory_order_relaxed)) {
    const std::lock_guard lock(mutex_);
    if (!finished_) wake_for(*client);
  }
  return first;
}

// Finishes a submission begun with a fresh `op`; takes the barrier and hands it over.
Status Core::submit_read(const std::shared_ptr<ClientQueue>& client, ReadOp*& op) {
  if (failed()) return Status(Reason::kDeviceFailed, "the engine has stopped after a device failure");
  if (closing_) return Status(Reason::kShuttingDown, "the engine is closing");
  if (!client->enter()) {
    add(counters_.refused_overloaded, 1);
    return Status(Reason::kOverloaded, "too many operations are in flight");
  }
  op = free_ops_.pop();
  if (op == nullptr) {
    if (read_ops_.size() == kReadOps) {
      client->leave();
      add(counters_.refused_overloaded, 1);
      return Status(Reason::kOverloaded, "the read queue is full");
    }
    read_ops_.push_back(std::make_unique<ReadOp>());
    op = read_ops_.back().get();
  }
  op->core = this;
  op->begun_ns = base::monotonic_ns();
  op->client = client.get();
  op->parts.clear();
  op->more = false;
  op->damaged = 0;
  op->pinned = false;
  return Status();
}

Status Core::submit_get(const std::shared_ptr<ClientQueue>& client, std::uint32_t keyspace, base::Bytes key,
                        std::uint64_t tag) {
  if (const Status status = check_key(key); !status.ok()) return status;
  const std::uint64_t hash = checksum::xxh64(key);
  const std::lock_guard lock(mutex_);
  ReadOp* op = nullptr;
  if (const Status status = submit_read(client, op); !status.ok()) return status;
  op->tag = tag;
  op->kind = OpKind::kGet;
  Observer::submitted(op->kind, tag, 0);
  op->keyspace = keyspace;
  op->hash = hash;
  op->key_length = static_cast<std::uint32_t>(key.size());
  std::memcpy(op->key_bytes.data(), key.data(), key.size());
  op->barrier = pending_.may_hold(keyspace, hash) ? next_sequence_ - 1 : 0;
  submitted_ops_.push(op);
  wake_for(*client);
  return Status();
}

Status Core::submit_scan(const std::shared_ptr<ClientQueue>& client, const ScanRequest& request, std::uint64_t tag) {
  if (request.after_key.size() > kKeyBytesMax) return check_key(request.after_key);
  if (request.partition >= 1U << superblock_.partition_bits || request.max_records == 0 ||
      request.max_records > 4096 || request.max_bytes == 0 || request.max_bytes > 32U << 20U) {
    return Status(Reason::kArgumentInvalid, "partition, max_records or max_bytes is out of range");
  }
  const std::lock_guard lock(mutex_);
  ReadOp* op = nullptr;
  if (const Status status = submit_read(client, op); !status.ok()) return status;
  op->tag = tag;
  op->kind = OpKind::kScan;
  Observer::submitted(op->kind, tag, request.max_bytes);
  op->keyspace = request.keyspace;
  op->partition = request.partition;
  op->max_records = request.max_records;
  op->max_bytes = request.max_bytes;
  op->values = request.values;
  op->key_length = static_cast<std::uint32_t>(request.after_key.size());
  op->hash = op->key_length > 0 ? request.after_hash : 0;
  if (op->key_length > 0) std::memcpy(op->key_bytes.data(), request.after_key.data(), request.after_key.size());
  op->barrier = next_sequence_ - 1;
  submitted_ops_.push(op);
  wake_for(*client);
  return Status();
}

Status Core::submit_walk(const std::shared_ptr<ClientQueue>& client, const WalkRequest& request, std::uint64_t tag) {
  if (request.max_records == 0 || request.max_records > 4096 || request.max_bytes == 0 ||
      request.max_bytes > 32U << 20U || request.step > WalkStep::kEnd) {
    return Status(Reason::kArgumentInvalid, "step, max_records or max_bytes is out of range");
  }
  auto walk = std::make_unique<WalkState>();
  walk->request = request;
  walk->page = std::make_unique<WalkPage>();
  const std::lock_guard lock(mutex_);
  ReadOp* op = nullptr;
  if (const Status status = submit_read(client, op); !status.ok()) return status;
  op->tag = tag;
  op->kind = OpKind::kScan;
  Observer::submitted(op->kind, tag, request.max_bytes);
  op->keyspace = 0;
  op->key_length = 0;
  op->values = request.values;
  op->walk = std::move(walk);
  const bool waits = request.step == WalkStep::kPlain || request.step == WalkStep::kStart;
  op->barrier = waits ? next_sequence_ - 1 : 0;
  submitted_ops_.push(op);
  wake_for(*client);
  return Status();
}

Status Core::submit_flush(const std::shared_ptr<ClientQueue>& client, std::uint64_t tag) {
  const std::lock_guard lock(mutex_);
  ReadOp* op = nullptr;
  if (const Status status = submit_read(client, op); !status.ok()) return status;
  op->tag = tag;
  op->kind = OpKind::kFlush;
  Observer::submitted(op->kind, tag, 0);
  op->barrier = next_sequence_ - 1;
  submitted_ops_.push(op);
  wake_for(*client);
  return Status();
}

Status Core::submit_scrub(const std::shared_ptr<ClientQueue>& client, std::uint64_t bytes_per_second,
                          std::uint64_t tag) {
  const std::lock_guard lock(mutex_);
  if (!failed() && !closing_ && scrubbing_.running.load(std::memory_order_acquire)) {
    return Status(Reason::kOverloaded, "another scrub of this engine is under way");
  }
  ReadOp* op = nullptr;
  if (const Status status = submit_read(client, op); !status.ok()) return status;
  scrubbing_.running.store(true, std::memory_order_relaxed);
  scrubbing_.stop.store(false, std::memory_order_relaxed);
  op->tag = tag;
  op->kind = OpKind::kScrub;
  op->scrub_rate = bytes_per_second == 0 ? kScrubRateDefault : bytes_per_second;
  op->barrier = 0;
  submitted_ops_.push(op);
  wake_for(*client);
  return Status();
}

base::Result<std::shared_ptr<ClientQueue>> Core::add_client(const ClientOptions& options) {
  if (options.depth == 0 || options.depth > kClientDepthMax) {
    return Status(Reason::kArgumentInvalid, "depth is out of range");
  }
  const std::lock_guard lock(mutex_);
  if (closing_) return Status(Reason::kShuttingDown, "the engine is closing");
  const auto open = std::count_if(clients_.begin(), clients_.end(),
                                  [](const std::shared_ptr<ClientQueue>& client) { return !client->finished(); });
  if (open >= kClients) return Status(Reason::kOverloaded, "too many clients");
  clients_.push_back(std::make_shared<ClientQueue>(options));
  return clients_.back();
}

}  // namespace ferrite::engine::internal
