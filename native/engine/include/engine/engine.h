// The storage engine's public face: a durable, checksummed, ordered record store on one block device.
//
// Threads: one reactor thread owns the device and the store. `Engine` may be used from any thread; a `Client` belongs
// to one thread at a time. Nothing here blocks except `open` and `close`.
// Ownership: the state behind Engine, Client and RecordBatch is shared, so they may be destroyed in any order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/status.h"
#include "engine/integrity.h"
#include "engine/limits.h"
#include "engine/open.h"
#include "engine/patience.h"
#include "engine/walk.h"

namespace ferrite::engine {

namespace internal {
class Core;
class ClientQueue;
class LaneReader;
class ReadBuffer;
}  // namespace internal

/// Counters since open and gauges; a snapshot that need not be consistent across fields.
struct EngineStats {
  std::uint64_t records = 0;
  std::uint64_t record_bytes = 0;
  std::uint64_t segments_total = 0;
  std::uint64_t segments_free = 0;
  /// Bytes still open to appends (reserve for removes excluded).
  std::uint64_t free_bytes = 0;
  std::uint64_t appends = 0;
  std::uint64_t removes = 0;
  std::uint64_t gets = 0;
  std::uint64_t scans = 0;
  std::uint64_t groups = 0;
  std::uint64_t seals = 0;
  std::uint64_t flushes = 0;
  /// Bytes given to the device in all; without `prepared_bytes`, over `user_bytes`, the write amplification.
  std::uint64_t written_bytes = 0;
  /// Keys and values of durable appends and removes.
  std::uint64_t user_bytes = 0;
  /// Written by compaction.
  std::uint64_t moved_bytes = 0;
  /// Written for index checkpoints, and how many became whole.
  std::uint64_t checkpoint_bytes = 0;
  std::uint64_t checkpoints = 0;
  /// Zeros written ahead of the log, once for each segment of a new file.
  std::uint64_t prepared_bytes = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t device_reads = 0;
  std::uint64_t index_bytes = 0;
  std::uint64_t checksum_failures = 0;
  std::uint64_t refused_full = 0;
  std::uint64_t refused_overloaded = 0;
  /// Records that compaction removed because their time had passed.
  std::uint64_t expired = 0;
};

/// Latency histograms of one engine: bytes as in SEEN.md, growing while the engine works. Any thread may read them at
/// any time, other processes through `fd` or /proc/PID/fd.
struct LatencyMemory {
  base::Bytes bytes;
  /// memfd with the same bytes, the engine's own until it closes; -1 where the kernel refused one.
  int fd = -1;
  /// Keeps `bytes`, also beyond the engine.
  std::shared_ptr<const void> owner;
};

/// A record as read. Views borrow from the RecordBatch they came from.
struct RecordView {
  std::uint32_t keyspace = 0;
  std::uint32_t partition = 0;
  std::uint32_t generation = 0;
  std::uint64_t sequence = 0;
  /// Absolute, milliseconds since the epoch; 0: never.
  std::uint64_t expires_at_ms = 0;
  /// XXH64(key, 0).
  std::uint64_t hash = 0;
  base::Bytes key;
  /// Empty when the scan asked for no values.
  base::Bytes value;
  /// Length of the stored value, also when `value` was not asked for.
  std::uint32_t value_bytes = 0;
};

/// The records of one completion, in leased device memory: release (destroy) it soon, memory for reads is bounded.
/// May be destroyed on any thread.
class RecordBatch {
 public:
  RecordBatch() noexcept;
  RecordBatch(RecordBatch&& other) noexcept;
  RecordBatch& operator=(RecordBatch&& other) noexcept;
  ~RecordBatch();

  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  /// Advances through the records in order; false at the end.
  [[nodiscard]] bool next(RecordView& view) noexcept;

 private:
  friend class internal::Core;
  friend class internal::LaneReader;
  explicit RecordBatch(std::unique_ptr<internal::ReadBuffer> buffer) noexcept;

  std::unique_ptr<internal::ReadBuffer> buffer_;
  std::uint32_t count_ = 0;
  std::uint32_t position_ = 0;
};

enum class OpKind : std::uint8_t {
  kAppend,
  kRemove,
  kGet,
  kScan,
  kFlush,
  /// Sent once, with tag 0, when the engine stops after a device failure.
  kFailed,
  /// Sent with tag 0 to clients that ask for it when there is something for `Engine::take_damage`; not again before it
  /// was drained.
  kDamage,
  kScrub,
};

/// Not the answer to an operation.
[[nodiscard]] constexpr bool is_news(OpKind kind) noexcept { return kind == OpKind::kFailed || kind == OpKind::kDamage; }

struct Completion {
  /// As given at submission.
  std::uint64_t tag = 0;
  OpKind kind = OpKind::kFlush;
  /// Another page follows the last record of this one (scan); the pass was stopped before its end (scrub).
  bool more = false;
  base::Status status;
  /// Of the appended or removed record.
  std::uint64_t sequence = 0;
  /// Records of the page's range that are damaged and therefore missing from it (scan).
  std::uint32_t damaged = 0;
  /// get: 0 records (absent) or 1; scan: the page in order (hash, key).
  RecordBatch records;
  /// Of a walk, which completes as a scan.
  std::unique_ptr<WalkPage> walk;
};

struct PutRequest {
  std::uint32_t keyspace = 0;
  std::uint32_t generation = 0;
  std::uint64_t expires_at_ms = 0;
  /// 1 to 1024 bytes. Copied before `append` returns.
  base::Bytes key;
  /// 0 to `Engine::value_bytes_max()` bytes. Copied before `append` returns.
  base::Bytes value;
};

/// One write of a batch: a record, or the removal of one, which takes keyspace and key.
struct BatchWrite {
  bool removal = false;
  PutRequest request;
};

struct ScanRequest {
  std::uint32_t keyspace = 0;
  std::uint32_t partition = 0;
  /// Resume strictly after (after_hash, after_key); ignored when `after_key` is empty. Copied.
  std::uint64_t after_hash = 0;
  base::Bytes after_key;
  /// A page ends at whichever comes first; it holds at least one record when there is one. 1 to 4096; 1 to 32 MiB.
  std::uint32_t max_records = 256;
  std::uint32_t max_bytes = 1U << 20U;
  bool values = true;
};

/// Called on the reactor thread when the client's completion queue stops being empty; at most once until the next
/// `drain`. Must not block and must not call back into the engine.
using WakeFunction = void (*)(void* context) noexcept;

struct ClientOptions {
  /// Operations in flight (accepted, not yet drained), at most; beyond: OVERLOADED. 1 to kClientDepthMax.
  std::uint32_t depth = 1024;
  WakeFunction wake = nullptr;
  void* wake_context = nullptr;
  /// The client's thread does its own gets where the device allows it, with no other thread in between: it watches
  /// `read_fd` beside being woken. To be opened on that thread, and with `ends_turns`.
  bool own_reads = false;
  /// The client calls `end_turn` after one or more submissions; before that they may lie where they are.
  bool ends_turns = false;
  /// Send kDamage.
  bool damage_news = false;
};

/// One foreign thread's door to the engine. Every submission either returns a failure and has no effect
/// (DEVICE_FULL, OVERLOADED, KEY_EMPTY, KEY_TOO_LARGE, VALUE_TOO_LARGE, ARGUMENT_INVALID, DEVICE_FAILED, SHUTTING_DOWN)
/// or is accepted and completes exactly once.
class Client {
 public:
  Client(std::shared_ptr<internal::Core> core, std::shared_ptr<internal::ClientQueue> queue,
         std::unique_ptr<internal::LaneReader> lane) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  /// Completions not drained yet are dropped; accepted writes still reach the device.
  ~Client();

  /// Accepts a record and returns its sequence: space is reserved, acceptance order is log order, and from now on only
  /// a device failure, which stops the engine, can undo it. Completes when the record is durable.
  base::Result<std::uint64_t> append(const PutRequest& request, std::uint64_t tag);
  /// Accepts a removal (idempotent: removing what is absent succeeds). As `append` otherwise.
  base::Result<std::uint64_t> remove(std::uint32_t keyspace, base::Bytes key, std::uint64_t tag);
  /// Accepts the removal of everything in a partition that was accepted before: one small record, whatever it removes.
  /// Its memory and space come back in the background, about 20 ms a million records. As `remove` otherwise, and
  /// completes as one.
  base::Result<std::uint64_t> drop_partition(std::uint32_t keyspace, std::uint32_t partition, std::uint64_t tag);
  /// Accepts 1 to kBatchRecordsMax writes as one: after a crash they are there all or not at all, and no read sees some of
  /// them without the others. Returns the sequence of the first; the others follow without a gap. More than one may
  /// take `Engine::batch_bytes_max()` bytes: VALUE_TOO_LARGE beyond. Completes once, as the last of them.
  base::Result<std::uint64_t> batch(std::span<const BatchWrite> writes, std::uint64_t tag);
  /// Reads one record. Sees every write accepted before this call, and only durable ones (it waits for them).
  /// Completion: CHECKSUM_MISMATCH when the record is damaged or unreadable.
  base::Status get(std::uint32_t keyspace, base::Bytes key, std::uint64_t tag);
  /// False: the key is absent, which counts as a get and costs a look at the index alone. True: a get may find
  /// something, wait for it, or fail.
  [[nodiscard]] bool may_hold(std::uint32_t keyspace, base::Bytes key) const noexcept;
  /// Reads one page of a partition. Sees what `get` would see.
  base::Status scan(const ScanRequest& request, std::uint64_t tag);
  /// Completes when everything accepted before this call is durable.
  base::Status flush(std::uint64_t tag);
  /// Takes one step of a walk through everything there is, by keyspace and hash. Completes as a scan, with a `walk`.
  base::Status walk(const WalkRequest& request, std::uint64_t tag);

  /// Reads everything the image holds once, at `bytes_per_second` (0: kScrubRateDefault) beside the work of clients, and
  /// reports what is damaged (`Engine::take_damage`). Completes when the pass has ended, well or stopped. OVERLOADED
  /// while another pass of this engine is under way.
  base::Status scrub(std::uint64_t bytes_per_second, std::uint64_t tag);

  /// Moves up to `out.size()` completions out, in completion order; writes complete in log order. Call until it
  /// returns less than `out.size()`: the wake function is armed again only then.
  std::size_t drain(std::span<Completion> out);

  /// Polls as readable once one of the client's own reads has finished, until the next `drain`; -1 without own reads.
  [[nodiscard]] int read_fd() const noexcept;
  /// Sees to it that everything submitted so far is under way and, with patience, waits for the first completion; with a
  /// single operation in flight on this thread alone, which does the reactor's work meanwhile. True when `drain` has
  /// something to give, false when it has not, nothing when the reactor is at work and will wake the client.
  std::optional<bool> end_turn(const Patience& patience = {}) noexcept;
  [[nodiscard]] std::size_t own_reads_in_flight() const noexcept;
  /// The reactor has delivered nothing since the last `drain` that came to an end.
  [[nodiscard]] bool quiet() const noexcept;
  /// Waits until the client's own reads in flight have finished.
  void settle_reads() noexcept;

 private:
  std::shared_ptr<internal::Core> core_;
  std::shared_ptr<internal::ClientQueue> queue_;
  std::unique_ptr<internal::LaneReader> lane_;
};

class Engine {
 public:
  /// Opens or creates the image, replays its log and starts the reactor. Blocks; call it off latency-bound threads.
  /// Fails with CONFIG_INVALID, PATH_NOT_WRITABLE, IMAGE_LOCKED, FORMAT_UNKNOWN, DEVICE_TRUNCATED, CHECKSUM_MISMATCH
  /// (both superblocks damaged), DEVICE_FULL (the file cannot be made that large), DEVICE_NOT_DURABLE,
  /// SPDK_NOT_INSTALLED or DEVICE_FAILED.
  static base::Result<std::unique_ptr<Engine>> open(const OpenOptions& options);

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  /// Closes when `close` was not called.
  ~Engine();

  [[nodiscard]] const OpenReport& report() const noexcept;
  [[nodiscard]] std::uint32_t value_bytes_max() const noexcept;
  /// Bytes in the log that the writes of a batch may take: each 48, its key and its value, rounded up to 16.
  [[nodiscard]] std::uint32_t batch_bytes_max() const noexcept;
  [[nodiscard]] std::uint32_t poll_micros() const noexcept;
  [[nodiscard]] EngineStats stats() const noexcept;
  [[nodiscard]] LatencyMemory latency() const noexcept;
  [[nodiscard]] ScrubProgress scrub_progress() const noexcept;
  /// Ends the pass that is under way, if any, soon.
  void stop_scrub() noexcept;
  /// Damage found since the last call, by whomever; what opening found comes first. Of more than 1024 reports the rest
  /// is lost, and one without a name stands for it.
  [[nodiscard]] std::vector<DamageReport> take_damage();

  /// At most 64 clients at a time: OVERLOADED beyond.
  base::Result<std::unique_ptr<Client>> open_client(const ClientOptions& options);

  /// Refuses new operations (SHUTTING_DOWN), completes the accepted ones, marks the image clean and releases it.
  /// Blocks. Idempotent; later calls return the first result. DEVICE_FAILED when the engine had stopped.
  base::Status close();

 private:
  friend class internal::Core;
  explicit Engine(std::shared_ptr<internal::Core> core) noexcept;
  std::shared_ptr<internal::Core> core_;
};

/// What this host offers for io_uring.
struct UringSupport {
  bool available = false;
  /// errno of the refused set-up, 0 when available.
  int error = 0;
  /// One sentence; empty when available.
  std::string reason;
  /// Command or setting that mends it; empty when available.
  std::string mend;
};

/// Tries a tiny io_uring set-up and takes it down again.
UringSupport probe_uring();

/// What this build offers for SPDK.
struct SpdkSupport {
  bool available = false;
  /// Release of the SPDK in use, as it names itself; empty when there is none.
  std::string version;
};

/// Whether `spdk:` devices can be opened. Starts nothing.
SpdkSupport probe_spdk();

/// CRC32C of `bytes`, carried on from that of what came before them (0: nothing). Snapshots are checked with it.
std::uint32_t checksum_of(base::Bytes bytes, std::uint32_t before) noexcept;

/// XXH64(key, 0): routes a key. Its top `partition_bits` are the partition.
std::uint64_t key_hash(base::Bytes key) noexcept;
[[nodiscard]] constexpr std::uint32_t partition_of(std::uint64_t hash, std::uint32_t partition_bits) noexcept {
  return partition_bits == 0 ? 0U : static_cast<std::uint32_t>(hash >> (64U - partition_bits));
}
/// The lowest hash of a partition.
[[nodiscard]] constexpr std::uint64_t first_hash_of(std::uint32_t partition, std::uint32_t partition_bits) noexcept {
  return partition_bits == 0 ? 0U : static_cast<std::uint64_t>(partition) << (64U - partition_bits);
}

}  // namespace ferrite::engine
