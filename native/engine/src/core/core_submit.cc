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

base::Result<std::uint64_t> Core::submit_write(const std::shared_ptr<ClientQueue>& client, RecordKind kind,
                                               const PutRequest& request, std::uint64_t tag) {
  if (const Status status = check_key(request.key); !status.ok()) return status;
  if (request.value.size() > value_bytes_max_) {
    return Status(Reason::kValueTooLarge, "the value is larger than this image accepts");
  }
  return accept_write(client, kind, request, checksum::xxh64(request.key), tag);
}

base::Result<std::uint64_t> Core::submit_drop(const std::shared_ptr<ClientQueue>& client, std::uint32_t keyspace,
                                              std::uint32_t partition, std::uint64_t tag) {
  if (partition >= 1U << superblock_.partition_bits) {
    return Status(Reason::kArgumentInvalid, "partition is out of range");
  }
  PutRequest request;
  request.keyspace = keyspace;
  return accept_write(client, RecordKind::kDrop, request, first_hash_of(partition, superblock_.partition_bits), tag);
}

base::Result<std::uint64_t> Core::accept_write(const std::shared_ptr<ClientQueue>& client, RecordKind kind,
                                               const PutRequest& request, std::uint64_t hash, std::uint64_t tag) {
  const std::uint64_t begun_ns = base::monotonic_ns();
  const std::uint32_t bytes = record_bytes(static_cast<std::uint32_t>(request.key.size()),
                                           static_cast<std::uint32_t>(request.value.size()));
  const Capacity& capacity = segments_->capacity();
  const std::int64_t charge = capacity.charge(bytes);
  RecordHead head;
  StagedGroup* group = nullptr;
  std::uint8_t* place = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (failed()) return Status(Reason::kDeviceFailed, "the engine has stopped after a device failure");
    if (closing_) return Status(Reason::kShuttingDown, "the engine is closing");
    if (promised_ + charge > (kind == RecordKind::kPut ? capacity.puts() : capacity.removals())) {
      add(counters_.refused_full, 1);
      return Status(Reason::kDeviceFull, "the device has no room for the record");
    }
    if (!client->enter()) {
      add(counters_.refused_overloaded, 1);
      return Status(Reason::kOverloaded, "too many operations are in flight");
    }
    const std::optional<Intake::Ticket> ticket = intake_->stage(bytes);
    if (!ticket.has_value()) {
      client->leave();
      add(counters_.refused_overloaded, 1);
      return Status(Reason::kOverloaded, "the write queue is full");
    }
    promised_ += charge;
    group = ticket->group;
    place = ticket->place;
    StagedWrite& write = *ticket->write;
    write.client = client.get();
    write.tag = tag;
    write.begun_ns = begun_ns;
    write.hash = hash;
    write.sequence = head.sequence = next_sequence_++;
    write.keyspace = head.keyspace = request.keyspace;
    write.kind = head.kind = kind;
    note_pending(write);
  }
  Observer::submitted(kind == RecordKind::kPut ? OpKind::kAppend : OpKind::kRemove, tag, bytes);
  head.generation = request.generation;
  head.expires_at_ms = request.expires_at_ms;
  head.partition = partition_of(hash, superblock_.partition_bits);
  head.boot = static_cast<std::uint32_t>(superblock_.boot_count);
  place_record(head, request.key, request.value, place);
  Intake::commit(*group);
  if (parked_.load(std::memory_order_seq_cst) && wants_writes_.load(std::memory_order_relaxed)) {
    const std::lock_guard lock(mutex_);
    if (!finished_) wake_if_parked();
  }
  return head.sequence;
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
  op->barrier = may_be_pending(keyspace, hash) ? next_sequence_ - 1 : 0;
  submitted_ops_.push(op);
  wake_if_parked();
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
  wake_if_parked();
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
  wake_if_parked();
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
  wake_if_parked();
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
