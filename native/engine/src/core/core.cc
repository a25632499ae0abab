#include "core/core.h"

#include <algorithm>
#include <cerrno>

#include "base/check.h"

namespace ferrite::engine::internal {

using base::Effect;
using base::Reason;
using base::Status;

Core::Core(const OpenOptions& options)
    : options_(options),
      expiry_(options.expire),
      superblock_buffer_(kBlockBytes),
      seal_block_(kBlockBytes),
      free_block_(kBlockBytes) {
  for (Verifier& verifier : verifiers_) idle_verifiers_.push(&verifier);
}

Core::~Core() {
  if (thread_.joinable()) static_cast<void>(close());
  if (buffers_ != nullptr) buffers_->detach();
  device_.reset();  // before the memory its requests point into
}

// Starts what can start and delivers what has finished. False once closed.
bool Core::work() {
  observer_.forget_time();
  take_submissions();
  tell_of_damage();
  if (failed()) refuse_everything();
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return false;
    draining_ = closing_;
  }
  release_cuts();
  pump_writes();
  pump_free();
  pump_zeros();
  pump_moving();
  pump_checkpoint();
  pump_suspects();
  pump_scrub();
  announce();
  if (draining_ && idle() && (failed() || sealed_ || !may_seal_)) {
    finish_close();
    announce();
    return false;
  }
  return true;
}

// Nothing to start until the device or a submitter speaks.
bool Core::quiet() noexcept {
  const std::lock_guard lock(mutex_);
  if (!submitted_ops_.empty() || !cuts_.empty() || damage_.has_news()) return false;
  if (!suspects_.none() && !suspects_.reading) return false;
  if (!intake_->empty() && group_ == nullptr && !log_busy() && !waiting_place_) return false;
  // A lane may have let go of a segment after `pump_free` had looked.
  if (waiting_place_ && !failed() && !freeing_ && pick_dead().has_value()) return false;
  if (closing_ && !draining_) return false;
  return !closing_ || !idle();
}

// Nothing accepted is unfinished and no request is with the device. The lock is not needed: only the reactor takes
// things out, and what comes in late is refused or seen by the next turn.
bool Core::idle() noexcept {
  return group_ == nullptr && !log_busy() && !freeing_ && !zeroing_ && !moving_.reading && !checkpoint_.writing && (failed() || !checkpoint_.active()) && reads_in_flight_ == 0 && open_questions_ == 0 &&
         (!draining_ || (scrubbing_.op == nullptr && !suspects_.reading)) &&
         deferred_.empty() && starved_.empty() && submitted_ops_.empty() && intake_->empty() && cuts_.empty();
}

// Polls on for a while after the last thing that happened.
bool Core::stays_awake() noexcept {
  if (options_.poll_micros == 0) return false;
  const Clock::time_point time = now();
  if (observer_.in_flight() > 0 || !quiet()) last_busy_ = time;
  return time - last_busy_ < std::chrono::microseconds(options_.poll_micros);
}

int Core::seal_wait() noexcept {
  if (!may_seal_ || sealed_ || log_busy() || group_ != nullptr || failed()) return -1;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(last_commit_ + kSealAfter - now());
  return std::max(1, static_cast<int>(left.count()) + 1);
}

void Core::take_submissions() noexcept {
  runtime::IntrusiveList<ReadOp> fresh;
  {
    const std::lock_guard lock(mutex_);
    fresh.take(submitted_ops_);
    // Only here, where nothing of the reactor refers to a client that has gone.
    std::erase_if(clients_, [](const std::shared_ptr<ClientQueue>& client) { return client->finished(); });
  }
  runtime::IntrusiveList<ReadOp> starved;
  starved.take(starved_);
  while (ReadOp* op = starved.pop()) start_read(*op);
  while (ReadOp* op = fresh.pop()) {
    if (op->barrier > applied_sequence_) {
      deferred_.push(op);
    } else {
      start_read(*op);
    }
  }
}

void Core::resume_deferred() noexcept {
  runtime::IntrusiveList<ReadOp> waiting;
  waiting.take(deferred_);
  while (ReadOp* op = waiting.pop()) {
    if (op->barrier > applied_sequence_ && !failed()) {
      deferred_.push(op);
    } else {
      start_read(*op);
    }
  }
}

void Core::deliver(ClientQueue* client, Completion&& completion, std::uint64_t latency_ns) noexcept {
  if (client == nullptr) return;
  observer_.completed(completion, latency_ns);
  if (!client->touched) touched_.push_back(client);
  client->deliver(std::move(completion));
  client->touched = true;
}

void Core::announce() noexcept {
  for (ClientQueue* client : touched_) {
    client->touched = false;
    client->ring();
  }
  touched_.clear();
}

void Core::start_io(IoRequest& request, IoKind kind, std::uint64_t offset, std::uint32_t length, std::uint8_t* buffer,
                    void (*done)(IoRequest&), const char* site) noexcept {
  request.kind = kind;
  request.offset = offset;
  request.length = length;
  request.buffer = buffer;
  request.error = 0;
  request.site = site;
  observer_.watch(request, done);
  device_->submit(request);
  if (kind == IoKind::kRead) {
    add(counters_.device_reads, 1);
    add(counters_.read_bytes, length);
  } else {
    add(counters_.written_bytes, length);
    if (kind != IoKind::kWrite) add(counters_.flushes, 1);
  }
}

// A failed write or flush leaves the device in a state nobody knows: the engine stops for good (fail-stop).
void Core::fail(int error, const char* message) noexcept {
  if (failed()) return;
  failed_.store(true, std::memory_order_release);
  std::vector<std::shared_ptr<ClientQueue>> clients;
  {
    const std::lock_guard lock(mutex_);
    clients = clients_;
  }
  for (const std::shared_ptr<ClientQueue>& client : clients) {
    Completion news;
    news.kind = OpKind::kFailed;
    news.status = Status(Reason::kDeviceFailed, message, error, Effect::kUnknown);
    deliver(client.get(), std::move(news), 0);
  }
}

// Answers what waits after a failure. Requests still with the device finish first.
void Core::refuse_everything() noexcept {
  resume_deferred();
  if (log_busy()) return;
  if (group_ != nullptr) {
    group_io_.error = EIO;
    commit_group();
  }
  for (;;) {
    StagedGroup* group = nullptr;
    {
      const std::lock_guard lock(mutex_);
      group = intake_->take();
    }
    if (group == nullptr) return;
    for (std::uint32_t i = 0; i < group->count; ++i) {
      const StagedWrite& write = intake_->write(*group, i);
      Completion completion;
      completion.tag = write.tag;
      completion.kind = write.kind == RecordKind::kPut ? OpKind::kAppend : OpKind::kRemove;
      completion.sequence = write.sequence;
      completion.status = Status(Reason::kDeviceFailed, "the engine has stopped after a device failure");
      deliver(write.client, std::move(completion), observer_.read_clock() - write.begun_ns);
    }
    const std::lock_guard lock(mutex_);
    intake_->release(*group);
  }
}

EngineStats Core::stats() const noexcept {
  const auto get = [](const std::atomic<std::uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  EngineStats stats;
  stats.records = get(counters_.records);
  stats.record_bytes = get(counters_.record_bytes);
  stats.segments_total = superblock_.segment_count;
  stats.segments_free = get(counters_.segments_free);
  stats.free_bytes = get(counters_.free_bytes);
  stats.appends = get(counters_.appends);
  stats.removes = get(counters_.removes);
  stats.gets = get(counters_.gets);
  stats.scans = get(counters_.scans);
  stats.groups = get(counters_.groups);
  stats.seals = get(counters_.seals);
  stats.flushes = get(counters_.flushes);
  stats.written_bytes = get(counters_.written_bytes);
  stats.read_bytes = get(counters_.read_bytes);
  stats.device_reads = get(counters_.device_reads);
  stats.index_bytes = get(counters_.index_bytes);
  stats.checksum_failures = get(counters_.checksum_failures);
  stats.user_bytes = get(counters_.user_bytes);
  stats.moved_bytes = get(counters_.moved_bytes);
  stats.checkpoint_bytes = get(counters_.checkpoint_bytes);
  stats.checkpoints = get(counters_.checkpoints);
  stats.prepared_bytes = get(counters_.prepared_bytes);
  stats.refused_full = get(counters_.refused_full);
  stats.expired = get(counters_.expired);
  stats.refused_overloaded = get(counters_.refused_overloaded);
  return stats;
}

}  // namespace ferrite::engine::internal
