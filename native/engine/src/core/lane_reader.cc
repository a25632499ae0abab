#include "core/lane_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/monotonic_clock.h"
#include "core/core.h"

namespace ferrite::engine::internal {
namespace {

using base::Reason;
using base::Status;

constexpr std::uint64_t block_of(std::uint64_t address) noexcept { return address / kBlockBytes * kBlockBytes; }

}  // namespace

LaneReader::LaneReader(std::shared_ptr<Core> core, std::shared_ptr<ClientQueue> queue,
                       std::unique_ptr<ReadLane> lane) noexcept
    : core_(std::move(core)), queue_(std::move(queue)), lane_(std::move(lane)) {}

std::unique_ptr<LaneReader> LaneReader::open(std::shared_ptr<Core> core, std::shared_ptr<ClientQueue> queue) {
  std::unique_ptr<ReadLane> lane = core->open_lane();
  if (lane == nullptr) return nullptr;
  return std::unique_ptr<LaneReader>(new LaneReader(std::move(core), std::move(queue), std::move(lane)));
}

LaneReader::~LaneReader() {
  settle();
  for (; drained_ < done_.size(); ++drained_) queue_->finish_own();
}

std::optional<Status> LaneReader::get(std::uint32_t keyspace, base::Bytes key, std::uint64_t tag) {
  PinnedPlaces places;
  const std::optional<Status> taken = core_->begin_lane_get(queue_, keyspace, key, tag, places);
  if (!taken.has_value() || !taken->ok()) return taken;
  Op* op = idle_.pop();
  if (op == nullptr) {
    ops_.push_back(std::make_unique<Op>());
    op = ops_.back().get();
    op->reader = this;
  }
  op->tag = tag;
  op->begun_ns = base::monotonic_ns();
  op->keyspace = keyspace;
  op->key_length = static_cast<std::uint32_t>(key.size());
  std::memcpy(op->key_bytes.data(), key.data(), key.size());
  op->places = places;
  op->place = 0;
  op->unreadable = false;
  ++in_flight_;
  if (places.count == 0) {
    finish(*op, Status(), nullptr);
  } else if (!read(*op)) {
    // Memory for reads is spent: the reactor queues for it.
    core_->unpin_places(op->places);
    core_->undo_lane_get(*queue_);
    idle_.push(op);
    --in_flight_;
    return std::nullopt;
  }
  return Status();
}

bool LaneReader::read(Op& op) noexcept {
  const Location location = op.places.locations[op.place];
  const std::uint64_t start = block_of(location.address());
  const auto bytes = static_cast<std::uint32_t>(
      base::round_up<std::uint64_t>(location.address() + location.bytes(), kBlockBytes) - start);
  op.buffer = core_->acquire_buffer(bytes);
  if (op.buffer == nullptr) return false;
  op.io.kind = IoKind::kRead;
  op.io.offset = start;
  op.io.length = bytes;
  op.io.buffer = op.buffer->memory.data();
  op.io.owner = &op;
  op.io.error = 0;
  op.io.site = "lane_read";
  op.io.done = [](IoRequest& request) {
    auto* done = static_cast<Op*>(request.owner);
    done->reader->finish_read(*done);
  };
  core_->watch_lane_read(op.io);
  lane_->submit(op.io);
  return true;
}

void LaneReader::finish_read(Op& op) noexcept {
  const std::uint64_t address = op.places.locations[op.place].address();
  const auto offset = static_cast<std::uint32_t>(address % kBlockBytes);
  const base::Bytes read = op.buffer->memory.bytes().first(op.io.length).subspan(offset);
  RecordHead head;
  base::Bytes key;
  base::Bytes value;
  if (op.io.error != 0 || !decode_record_head(read, address, op.places.seeds[op.place], head, key)) {
    op.unreadable = true;
  } else if (head.keyspace == op.keyspace && key.size() == op.key_length &&
             std::memcmp(key.data(), op.key_bytes.data(), key.size()) == 0) {
    if (core_->passed(head)) {
      finish(op, Status(), nullptr);
      return;
    }
    if (decode_record_value(read, head, value)) {
      op.buffer->offsets.push_back(offset);
      op.buffer->with_values = true;
      finish(op, Status(), std::move(op.buffer));
      return;
    }
    op.unreadable = true;
    op.place = op.places.count - 1;
  }
  try_next(op);
}

// Keys of one hash are told apart by reading them, one after the other.
void LaneReader::try_next(Op& op) noexcept {
  op.buffer.reset();
  if (++op.place == op.places.count) {
    if (op.unreadable) core_->report_lane_damage(op.keyspace, {op.key_bytes.data(), op.key_length});
    finish(op, op.unreadable ? Status(Reason::kChecksumMismatch, "the stored record cannot be read back whole") : Status(),
           nullptr);
    return;
  }
  if (!read(op)) finish(op, Status(Reason::kOverloaded, "the memory for reads is spent"), nullptr);
}

void LaneReader::finish(Op& op, Status status, std::unique_ptr<ReadBuffer> buffer) noexcept {
  core_->unpin_places(op.places);
  Completion completion;
  completion.tag = op.tag;
  completion.kind = OpKind::kGet;
  completion.status = status;
  if (buffer != nullptr) completion.records = RecordBatch(std::move(buffer));
  core_->note_lane_get(completion, base::monotonic_ns() - op.begun_ns);
  done_.push_back(std::move(completion));
  op.buffer.reset();
  idle_.push(&op);
  --in_flight_;
}

bool LaneReader::enter(const Patience& patience) noexcept {
  if (!patience.none() && drained_ == done_.size()) {
    lane_->wait(patience);
  } else {
    lane_->enter();
  }
  return drained_ < done_.size();
}

std::size_t LaneReader::drain(std::span<Completion> out) noexcept {
  lane_->poll();
  const std::size_t count = std::min(out.size(), done_.size() - drained_);
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = std::move(done_[drained_ + i]);
    queue_->finish_own();
  }
  drained_ += count;
  if (drained_ == done_.size()) {
    done_.clear();
    drained_ = 0;
  }
  return count;
}

void LaneReader::settle() noexcept {
  while (in_flight_ > 0) lane_->wait({0, Patience::kForever});
}

}  // namespace ferrite::engine::internal
