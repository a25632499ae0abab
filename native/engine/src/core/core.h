// The engine behind the face: one reactor that owns device, log, index and space.
//
// Threads: `submit_*`, `stats`, `close` from any; everything else on the reactor. Tests may play the reactor themselves
// by calling `attach` and `step` on one thread. Shared by Engine, its clients and, through the pool, their leases.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/checkpointing.h"
#include "core/client_queue.h"
#include "core/counters.h"
#include "core/damage_queue.h"
#include "core/expiry_clock.h"
#include "core/intake.h"
#include "core/moving.h"
#include "core/observer.h"
#include "core/pending.h"
#include "core/read_buffers.h"
#include "core/read_op.h"
#include "core/scrubbing.h"
#include "core/suspects.h"
#include "core/turns.h"
#include "core/verifier.h"
#include "core/watch.h"
#include "engine/block_device.h"
#include "engine/engine.h"
#include "format/group.h"
#include "format/superblock.h"
#include "index/index.h"
#include "index/key_witness.h"
#include "log/replay.h"
#include "runtime/intrusive_list.h"
#include "space/segment_table.h"

namespace ferrite::engine::internal {

struct PinnedPlaces;
struct Arrival;

/// KEY_EMPTY, KEY_TOO_LARGE.
[[nodiscard]] base::Status check_key(base::Bytes key) noexcept;

class Core {
 public:
  explicit Core(const OpenOptions& options);
  ~Core();

  // Open and close.
  static base::Result<std::shared_ptr<Core>> open(const OpenOptions& options);
  /// Takes the device over: formats or replays. `fresh`: nothing was ever written to it.
  base::Status attach(std::unique_ptr<BlockDevice> device, bool fresh);
  /// One turn of the reactor; sleeps when `may_sleep` and there is nothing to do. False once closed.
  bool step(bool may_sleep);
  base::Status close();
  /// Tests: it is what time they say it is, from before `attach` on. Without: the steady clock.
  void use_time(const std::chrono::steady_clock::time_point* time) noexcept { time_ = time; }
  /// Refuses new work from now on and lets `step` finish what is there.
  void begin_close() noexcept;

  // Submission.
  base::Result<std::uint64_t> submit_write(const std::shared_ptr<ClientQueue>& client, RecordKind kind,
                                           const PutRequest& request, std::uint64_t tag);
  base::Result<std::uint64_t> submit_drop(const std::shared_ptr<ClientQueue>& client, std::uint32_t keyspace,
                                          std::uint32_t partition, std::uint64_t tag);
  base::Result<std::uint64_t> submit_batch(const std::shared_ptr<ClientQueue>& client,
                                           std::span<const BatchWrite> writes, std::uint64_t tag);
  base::Status submit_get(const std::shared_ptr<ClientQueue>& client, std::uint32_t keyspace, base::Bytes key,
                          std::uint64_t tag);
  base::Status submit_scan(const std::shared_ptr<ClientQueue>& client, const ScanRequest& request, std::uint64_t tag);
  base::Status submit_flush(const std::shared_ptr<ClientQueue>& client, std::uint64_t tag);
  base::Status submit_walk(const std::shared_ptr<ClientQueue>& client, const WalkRequest& request, std::uint64_t tag);
  base::Status submit_scrub(const std::shared_ptr<ClientQueue>& client, std::uint64_t bytes_per_second, std::uint64_t tag);
  void stop_scrub() noexcept;
  [[nodiscard]] ScrubProgress scrub_progress() const noexcept;
  std::vector<DamageReport> take_damage() { return damage_.take(); }
  base::Result<std::shared_ptr<ClientQueue>> add_client(const ClientOptions& options);

  // For clients that wait (core_turns.cc) and read (core_lane.cc) themselves.
  std::optional<bool> await(ClientQueue& client, const Patience& patience) noexcept;
  void pay_wake(ClientQueue& client) noexcept;
  std::unique_ptr<ReadLane> open_lane();
  [[nodiscard]] bool may_hold(std::uint32_t keyspace, base::Bytes key) noexcept;
  std::optional<base::Status> begin_lane_get(const std::shared_ptr<ClientQueue>& client, std::uint32_t keyspace,
                                             base::Bytes key, std::uint64_t tag, PinnedPlaces& places);
  void undo_lane_get(ClientQueue& client) noexcept;
  void unpin_places(PinnedPlaces& places) noexcept;
  std::unique_ptr<ReadBuffer> acquire_buffer(std::uint32_t bytes);
  void watch_lane_read(const IoRequest& request) noexcept;
  void note_lane_get(const Completion& completion, std::uint64_t latency_ns) noexcept;
  void report_lane_damage(std::uint32_t keyspace, base::Bytes key) noexcept;
  /// The record's time has passed: it is not shown any more.
  bool passed(const RecordHead& record) noexcept { return expiry_.passed(record); }

  [[nodiscard]] const OpenReport& report() const noexcept { return report_; }
  [[nodiscard]] std::uint32_t value_bytes_max() const noexcept { return value_bytes_max_; }
  [[nodiscard]] std::uint32_t batch_bytes_max() const noexcept { return intake_->together_max(); }
  [[nodiscard]] std::uint32_t poll_micros() const noexcept { return options_.poll_micros; }
  [[nodiscard]] EngineStats stats() const noexcept;
  [[nodiscard]] LatencyMemory latency() const noexcept { return observer_.memory(); }
  [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_relaxed); }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint32_t kReadOps = 4096;
  static constexpr std::uint32_t kWrites = 16384;
  static constexpr std::uint32_t kVerifiers = 32;
  static constexpr std::uint32_t kClients = 64;
  static constexpr std::uint32_t kScanWindow = 32;
  /// Records applied to the index before lanes may look into it again.
  static constexpr std::uint32_t kAppliedTogether = 32;
  /// Leaves of dropped partitions given back in one turn, of up to 64 records each.
  static constexpr std::size_t kLeavesTogether = 256;
  /// Free segments that writes of clients leave to compaction.
  static constexpr std::uint32_t kSparedForMoving = 1;
  static constexpr std::chrono::milliseconds kSealAfter{kSealDelayMs / 2};

  // Opening (core_open.cc).
  base::Status read_superblocks(bool fresh, bool& format);
  base::Status format_image();
  base::Status write_superblocks() noexcept;
  base::Status restore_tail(const std::vector<std::uint8_t>& records);
  std::uint32_t stage_again(const std::uint8_t* record) noexcept;
  void set_up(const ReplayResult& replayed);
  base::Status open_device();
  base::Status attach_durable(std::unique_ptr<BlockDevice> device, bool fresh);
  base::Status all_blank(bool& blank) noexcept;
  void finish_close() noexcept;

  // Reactor (core.cc, core_turns.cc).
  [[nodiscard]] Clock::time_point now() const noexcept { return time_ != nullptr ? *time_ : Clock::now(); }
  void run() noexcept;
  bool work();
  void going_to_sleep(Turns::Asleep where) noexcept;
  void sleep(Turns::Asleep where, int limit_ms) noexcept;
  void take_submissions() noexcept;
  [[nodiscard]] bool idle() noexcept;
  void announce() noexcept;
  void refuse_everything() noexcept;
  [[nodiscard]] bool quiet() noexcept;
  [[nodiscard]] int seal_wait() noexcept;
  [[nodiscard]] bool stays_awake() noexcept;
  void wake_if_parked() noexcept;
  void wake_for(ClientQueue& client) noexcept;
  void deliver(ClientQueue* client, Completion&& completion, std::uint64_t latency_ns) noexcept;
  void fail(int error, const char* message) noexcept;
  void start_io(IoRequest& request, IoKind kind, std::uint64_t offset, std::uint32_t length, std::uint8_t* buffer,
                void (*done)(IoRequest&), const char* site = __builtin_FUNCTION()) noexcept;

  // Writes (core_write.cc).
  void pump_writes() noexcept;
  void submit_group() noexcept;
  void finish_group_io() noexcept;
  void plan_verification() noexcept;
  void pump_verification() noexcept;
  void finish_verification(IoRequest& request) noexcept;
  void apply_group(StagedGroup& group) noexcept;
  void apply_drop(const StagedWrite& write) noexcept;
  void release_cuts() noexcept;
  void commit_group() noexcept;
  void apply(StagedWrite& write, const RecordHead& head, base::Bytes key) noexcept;
  std::size_t find_candidates(std::uint32_t keyspace, std::uint64_t hash);
  /// A frame is on its way to the log's end.
  [[nodiscard]] bool log_busy() const noexcept { return group_submitted_ || sealing_ || moving_.writing; }

  // Segments (core_space.cc).
  bool make_place(std::uint32_t length, std::uint32_t spared) noexcept;
  bool activate_segment(std::uint32_t spared) noexcept;
  void start_seal() noexcept;
  void finish_seal() noexcept;
  [[nodiscard]] std::optional<std::uint32_t> pick_dead() const noexcept;
  void pump_free() noexcept;
  void finish_free_step() noexcept;
  void pump_zeros() noexcept;
  void step_zeros() noexcept;
  void refuse_unbacked() noexcept;
  base::Status prepare_first_segment() noexcept;
  void note_space() noexcept;

  // Compaction (core_compact.cc).
  [[nodiscard]] std::uint32_t free_wanted() const noexcept;
  [[nodiscard]] bool copies_first() noexcept;
  void earn_moving(std::uint32_t bytes) noexcept;
  void pump_moving() noexcept;
  bool start_moving() noexcept;
  void read_window(std::uint32_t bytes) noexcept;
  void finish_window() noexcept;
  void list_candidates(base::Bytes group, std::uint32_t at, std::uint64_t seed) noexcept;
  [[nodiscard]] bool must_move(const Moving::Candidate& candidate, Location from) noexcept;
  void gather_moves() noexcept;
  void forget_removal(std::uint32_t bytes) noexcept;
  [[nodiscard]] bool wants_expired() noexcept;
  void end_record(std::uint32_t keyspace, std::uint64_t hash, Location location) noexcept;
  void submit_copies() noexcept;
  void finish_copies() noexcept;
  void apply_move(const Moving::Move& move) noexcept;
  void finish_victim() noexcept;

  // Index checkpoints (core_checkpoint.cc).
  void count_for_checkpoint(std::uint64_t records, std::uint64_t bytes) noexcept;
  [[nodiscard]] std::uint64_t records_between_checkpoints() const noexcept;
  [[nodiscard]] bool checkpoint_due() const noexcept;
  void pump_checkpoint() noexcept;
  void begin_checkpoint() noexcept;
  [[nodiscard]] bool fill_index_page(const PageId& id, base::MutableBytes page) noexcept;
  [[nodiscard]] bool fill_page(const PageId& id, base::MutableBytes page) noexcept;
  bool take_page_segment() noexcept;
  void write_pages() noexcept;
  void finish_pages() noexcept;
  void retire_pages(std::vector<std::uint32_t>& segments) noexcept;
  void abort_checkpoint() noexcept;

  // Damage (core_damage.cc).
  void report_damage(std::uint32_t keyspace, std::uint64_t hash, base::Bytes key, DamageSource source) noexcept;
  void tell_of_damage() noexcept;
  void suspect(std::uint64_t begin, std::uint64_t end, DamageSource source) noexcept;
  void pump_suspects() noexcept;
  void search_suspects() noexcept;
  void read_suspect() noexcept;
  void finish_suspect() noexcept;

  // Scrub (core_scrub.cc).
  void start_scrub(ReadOp& op) noexcept;
  void begin_scrub_area() noexcept;
  [[nodiscard]] int scrub_wait() noexcept;
  void pump_scrub() noexcept;
  void finish_scrub(base::Status status) noexcept;
  [[nodiscard]] bool scrub_area_stands(const Scrubbing::Area& area) noexcept;
  void leave_scrub_area() noexcept;
  void read_scrub_window() noexcept;
  void finish_scrub_window() noexcept;
  [[nodiscard]] std::uint32_t check_superblock(const Scrubbing::Area& area) noexcept;
  [[nodiscard]] std::uint32_t check_pages(const Scrubbing::Area& area) noexcept;
  [[nodiscard]] std::uint32_t check_frames(const Scrubbing::Area& area) noexcept;
  void suspect_place(std::uint64_t begin, std::uint64_t end) noexcept;

  // Reads (core_read.cc).
  void start_read(ReadOp& op) noexcept;
  void start_get(ReadOp& op) noexcept;
  void read_candidate(ReadOp& op) noexcept;
  void finish_candidate(ReadOp& op) noexcept;
  void finish_get(ReadOp& op, base::Status status, std::unique_ptr<ReadBuffer> buffer) noexcept;
  void start_scan(ReadOp& op) noexcept;
  bool plan_scan(ReadOp& op) noexcept;
  void pump_scan(ReadOp& op) noexcept;
  void finish_scan_read(IoRequest& request) noexcept;
  void finish_scan(ReadOp& op) noexcept;
  void report_part(std::uint32_t keyspace, const ReadOp& op, const ReadOp::Part& part) noexcept;
  // Walks (core_walk.cc).
  void start_walk(ReadOp& op) noexcept;
  [[nodiscard]] base::Status plan_walk(ReadOp& op) noexcept;
  void plan_walk_page(ReadOp& op) noexcept;
  void plan_changes(ReadOp& op) noexcept;
  void finish_walk(ReadOp& op) noexcept;
  /// What lies under a hash has changed.
  void note_change(std::uint32_t keyspace, std::uint64_t hash) noexcept { watch_.note({keyspace, hash}); }
  void note_partition_dropped(std::uint32_t keyspace, std::uint32_t partition) noexcept;

  void release_op(ReadOp& op) noexcept;
  void unpin(ReadOp& op) noexcept;
  void resume_deferred() noexcept;
  /// Takes checked writes on as one, or none of them.
  base::Result<std::uint64_t> accept_writes(const std::shared_ptr<ClientQueue>& client, std::span<Arrival> writes,
                                            std::uint64_t tag);
  [[nodiscard]] base::Status check_write(const PutRequest& request) const noexcept;
  base::Status submit_read(const std::shared_ptr<ClientQueue>& client, ReadOp*& op);

  const OpenOptions options_;
  const Clock::time_point* time_ = nullptr;
  OpenReport report_;
  std::uint32_t value_bytes_max_ = 0;
  ExpiryClock expiry_;
  Observer observer_;

  // The device and what lies on it.
  std::unique_ptr<BlockDevice> device_;
  Superblock superblock_;
  std::uint64_t salt_ = 0;
  /// Guards the index against lanes, which look places up in it; the reactor alone changes it, and reads it without.
  std::mutex index_mutex_;
  std::unique_ptr<Index> index_;
  std::unique_ptr<KeyWitness> witness_;
  std::unique_ptr<SegmentTable> segments_;
  base::AlignedBuffer superblock_buffer_;

  // Submission: guarded by mutex_.
  std::mutex mutex_;
  std::unique_ptr<Intake> intake_;
  std::vector<std::shared_ptr<ClientQueue>> clients_;
  std::vector<std::unique_ptr<ReadOp>> read_ops_;
  runtime::IntrusiveList<ReadOp> free_ops_;
  runtime::IntrusiveList<ReadOp> submitted_ops_;
  Pending pending_;
  std::uint64_t next_sequence_ = 1;
  /// Charges of what is alive, hidden by removals or accepted (Capacity).
  std::int64_t promised_ = 0;
  bool closing_ = false;
  std::atomic<bool> failed_{false};
  Turns turns_;
  /// The reactor is a thread of its own, not a test.
  bool may_rest_ = false;
  /// A write that comes now can start at once; else the end of the group in flight takes it on.
  std::atomic<bool> wants_writes_{false};

  // The log's end.
  GroupId last_;
  std::uint32_t active_ = 0;
  bool has_active_ = false;
  /// The active segment takes no more groups.
  bool leave_active_ = false;
  std::uint64_t position_ = 0;
  std::uint64_t life_ = 0;
  bool sealed_ = true;
  /// Some group became durable since open: from then on the idle log may be sealed.
  bool may_seal_ = false;
  /// The log's end was ambiguous at open and nothing has been written since.
  bool ambiguous_ = false;
  /// A client's group waits for a free segment.
  bool stalled_ = false;
  /// A group that is ready waits for a free segment.
  std::atomic<bool> waiting_place_{false};
  /// Closing: nothing is done any more but what was accepted.
  bool draining_ = false;
  bool restoring_ = false;
  std::uint64_t applied_sequence_ = 0;
  Clock::time_point last_commit_{};
  /// Something was submitted or finished lately (poll_micros).
  Clock::time_point last_busy_{};

  // The group in flight.
  StagedGroup* group_ = nullptr;
  std::uint64_t group_address_ = 0;
  std::uint32_t group_crc_ = 0;
  /// Of the group in flight, and of the last one (Frame::doubt).
  bool group_doubt_ = false;
  bool last_doubt_ = true;
  /// Charges of what its records replaced.
  std::int64_t released_ = 0;
  /// What dropped partitions held, while it is still counted as alive.
  std::vector<Index::Cut> cuts_;
  bool group_submitted_ = false;
  bool group_durable_ = false;
  IoRequest group_io_;
  bool sealing_ = false;
  IoRequest seal_io_;
  base::AlignedBuffer seal_block_;

  std::array<Verifier, kVerifiers> verifiers_;
  runtime::IntrusiveList<Verifier> idle_verifiers_;
  std::vector<Question> questions_;
  std::size_t next_question_ = 0;
  std::uint32_t open_questions_ = 0;
  std::vector<Location> candidates_;

  // The segment being given back.
  bool freeing_ = false;
  unsigned free_step_ = 0;
  std::uint32_t dying_ = 0;
  IoRequest free_io_;
  base::AlignedBuffer free_block_;

  // The segment being written ahead.
  bool zeroing_ = false;
  std::uint32_t zeroed_ = 0;
  std::uint64_t zero_position_ = 0;
  IoRequest zero_io_;
  base::AlignedBuffer zero_block_;

  Moving moving_;
  Checkpointing checkpoint_;
  std::uint64_t checkpoint_number_ = 0;
  DamageQueue damage_;
  Suspects suspects_;
  Scrubbing scrubbing_;

  // Reads.
  std::shared_ptr<ReadBufferPool> buffers_;
  runtime::IntrusiveList<ReadOp> deferred_;
  runtime::IntrusiveList<ReadOp> starved_;
  std::uint32_t reads_in_flight_ = 0;
  std::vector<IndexEntry> scan_entries_;
  Watch watch_;
  std::vector<IndexEntry> walk_entries_;
  std::vector<ClientQueue*> touched_;
  mutable Counters counters_;

  std::thread thread_;
  std::mutex close_mutex_;
  bool closed_ = false;
  bool finished_ = false;
  base::Status close_status_;
  base::Status open_status_;
};

}  // namespace ferrite::engine::internal
