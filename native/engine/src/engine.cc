#include "engine/engine.h"

#include <utility>

#include "checksum/crc32c.h"
#include "checksum/xxh64.h"
#include "core/core.h"
#include "core/lane_reader.h"
#include "format/record.h"

namespace ferrite::engine {

using internal::Core;

RecordBatch::RecordBatch() noexcept = default;
RecordBatch::RecordBatch(RecordBatch&& other) noexcept = default;
RecordBatch& RecordBatch::operator=(RecordBatch&& other) noexcept = default;
RecordBatch::~RecordBatch() = default;

RecordBatch::RecordBatch(std::unique_ptr<internal::ReadBuffer> buffer) noexcept
    : buffer_(std::move(buffer)), count_(static_cast<std::uint32_t>(buffer_->offsets.size())) {}

bool RecordBatch::next(RecordView& view) noexcept {
  if (buffer_ == nullptr || position_ == count_) return false;
  const std::uint8_t* record = buffer_->memory.data() + buffer_->offsets[position_++];
  const RecordHead head = trusted_record_head(record);
  view.keyspace = head.keyspace;
  view.partition = head.partition;
  view.generation = head.generation;
  view.sequence = head.sequence;
  view.expires_at_ms = head.expires_at_ms;
  view.key = {record + kRecordHeadBytes, head.key_bytes};
  view.hash = key_hash(view.key);
  view.value = buffer_->with_values ? base::Bytes(view.key.data() + view.key.size(), head.value_bytes) : base::Bytes();
  view.value_bytes = head.value_bytes;
  return true;
}

Client::Client(std::shared_ptr<Core> core, std::shared_ptr<internal::ClientQueue> queue,
               std::unique_ptr<internal::LaneReader> lane) noexcept
    : core_(std::move(core)), queue_(std::move(queue)), lane_(std::move(lane)) {}

Client::~Client() {
  core_->pay_wake(*queue_);
  lane_.reset();
  queue_->close();
}

base::Result<std::uint64_t> Client::append(const PutRequest& request, std::uint64_t tag) {
  return core_->submit_write(queue_, RecordKind::kPut, request, tag);
}

base::Result<std::uint64_t> Client::remove(std::uint32_t keyspace, base::Bytes key, std::uint64_t tag) {
  PutRequest request;
  request.keyspace = keyspace;
  request.key = key;
  return core_->submit_write(queue_, RecordKind::kRemove, request, tag);
}

base::Result<std::uint64_t> Client::drop_partition(std::uint32_t keyspace, std::uint32_t partition,
                                                   std::uint64_t tag) {
  return core_->submit_drop(queue_, keyspace, partition, tag);
}

base::Result<std::uint64_t> Client::batch(std::span<const BatchWrite> writes, std::uint64_t tag) {
  return core_->submit_batch(queue_, writes, tag);
}

base::Status Client::get(std::uint32_t keyspace, base::Bytes key, std::uint64_t tag) {
  if (lane_ != nullptr) {
    const std::optional<base::Status> taken = lane_->get(keyspace, key, tag);
    if (taken.has_value()) return *taken;
  }
  return core_->submit_get(queue_, keyspace, key, tag);
}

bool Client::may_hold(std::uint32_t keyspace, base::Bytes key) const noexcept { return core_->may_hold(keyspace, key); }

base::Status Client::scan(const ScanRequest& request, std::uint64_t tag) {
  return core_->submit_scan(queue_, request, tag);
}

base::Status Client::flush(std::uint64_t tag) { return core_->submit_flush(queue_, tag); }

base::Status Client::scrub(std::uint64_t bytes_per_second, std::uint64_t tag) {
  return core_->submit_scrub(queue_, bytes_per_second, tag);
}

std::size_t Client::drain(std::span<Completion> out) {
  const std::size_t own = lane_ != nullptr ? lane_->drain(out) : 0;
  return own + queue_->drain(out.subspan(own));
}

int Client::read_fd() const noexcept { return lane_ != nullptr ? lane_->fd() : -1; }
std::optional<bool> Client::end_turn(const Patience& patience) noexcept {
  const bool reads = lane_ != nullptr && lane_->in_flight() > 0;
  const bool known = lane_ != nullptr && !reads && lane_->enter({});
  if (!reads && !known && !patience.none() && queue_->in_flight() > 0) {
    if (const std::optional<bool> done = core_->await(*queue_, patience)) return done;
  }
  core_->pay_wake(*queue_);
  if (reads) return lane_->enter(patience);
  return known ? std::optional(true) : std::nullopt;
}
std::size_t Client::own_reads_in_flight() const noexcept { return lane_ != nullptr ? lane_->in_flight() : 0; }
bool Client::quiet() const noexcept { return queue_->quiet(); }
void Client::settle_reads() noexcept {
  if (lane_ != nullptr) lane_->settle();
}

base::Status Client::walk(const WalkRequest& request, std::uint64_t tag) {
  return core_->submit_walk(queue_, request, tag);
}

base::Result<std::unique_ptr<Engine>> Engine::open(const OpenOptions& options) {
  base::Result<std::shared_ptr<Core>> core = Core::open(options);
  if (!core.ok()) return core.status();
  return std::unique_ptr<Engine>(new Engine(std::move(core).value()));
}

Engine::Engine(std::shared_ptr<Core> core) noexcept : core_(std::move(core)) {}

Engine::~Engine() { static_cast<void>(core_->close()); }

const OpenReport& Engine::report() const noexcept { return core_->report(); }
std::uint32_t Engine::poll_micros() const noexcept { return core_->poll_micros(); }
std::uint32_t Engine::batch_bytes_max() const noexcept { return core_->batch_bytes_max(); }
std::uint32_t Engine::value_bytes_max() const noexcept { return core_->value_bytes_max(); }
EngineStats Engine::stats() const noexcept { return core_->stats(); }
ScrubProgress Engine::scrub_progress() const noexcept { return core_->scrub_progress(); }
void Engine::stop_scrub() noexcept { core_->stop_scrub(); }
std::vector<DamageReport> Engine::take_damage() { return core_->take_damage(); }
LatencyMemory Engine::latency() const noexcept { return core_->latency(); }

base::Result<std::unique_ptr<Client>> Engine::open_client(const ClientOptions& options) {
  base::Result<std::shared_ptr<internal::ClientQueue>> queue = core_->add_client(options);
  if (!queue.ok()) return queue.status();
  std::unique_ptr<internal::LaneReader> lane;
  if (options.own_reads) lane = internal::LaneReader::open(core_, queue.value());
  return std::make_unique<Client>(core_, std::move(queue).value(), std::move(lane));
}

base::Status Engine::close() { return core_->close(); }

std::uint32_t checksum_of(base::Bytes bytes, std::uint32_t before) noexcept { return checksum::crc32c(bytes, before); }

std::uint64_t key_hash(base::Bytes key) noexcept { return checksum::xxh64(key); }

}  // namespace ferrite::engine
