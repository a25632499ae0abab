// Reads the log back: fills index and segment table, tells a torn tail from damage (PROTOCOL P17; FORMAT.md section 8).
// Threads: the reactor, before it serves. Reads the device, never writes it. Borrows everything it is given.
#pragma once

#include <optional>
#include <vector>

#include "base/aligned_buffer.h"
#include "engine/block_device.h"
#include "engine/engine.h"
#include "format/checkpoint.h"
#include "format/group.h"
#include "format/superblock.h"
#include "index/index.h"
#include "index/key_witness.h"
#include "space/segment_table.h"

namespace ferrite::engine {

/// Where the log goes on.
struct LogEnd {
  /// The last group; number 0 when there is none.
  GroupId last;
  std::uint32_t segment = 0;
  /// Device offset of the next group.
  std::uint64_t position = 0;
  /// Highest life of any segment.
  std::uint64_t life = 0;
  std::uint64_t next_sequence = 1;
  bool sealed = false;
};

struct ReplayResult {
  LogEnd end;
  Tail tail = Tail::kSealed;
  std::vector<Damage> damaged;
  std::uint64_t salvaged = 0;
  std::uint64_t record_bytes = 0;
  /// The checkpoint that was used: its number (0: none) and its segments. The highest number of any.
  std::uint64_t checkpoint = 0;
  std::vector<std::uint32_t> checkpoint_segments;
  std::uint64_t checkpoint_pages = 0;
  std::uint64_t highest_checkpoint = 0;
  /// Records and bytes of the log that were read again.
  std::uint64_t replayed_records = 0;
  std::uint64_t replayed_bytes = 0;
  /// Whole records found behind the log's last good group: to be written again as its next group.
  std::vector<std::uint8_t> tail_records;
};

class Replay {
 public:
  Replay(BlockDevice& device, const Superblock& superblock, Index& index, SegmentTable& segments, KeyWitness& witness);
  ReplayResult run();

 private:
  enum class Start : std::uint8_t { kGroup, kUnused, kGarbage, kPage };
  struct Probe {
    Start start = Start::kUnused;
    /// Block 0 is zero, rather than a free mark.
    bool blank = false;
    /// Lives up to this one are no longer part of the log.
    std::uint64_t retired = 0;
    Frame first;
  };

  void probe(std::uint32_t segment);
  bool find_first(std::uint32_t segment);
  // The index checkpoint (replay_checkpoint.cc).
  bool find_pages(std::uint32_t segment);
  void set_pages_aside(std::vector<std::uint32_t>& garbage);
  void use_checkpoint();
  [[nodiscard]] bool load_checkpoint(const CheckpointRoot& root, const Frame& frame);
  [[nodiscard]] bool load_page(base::Bytes page, const Frame& frame, std::vector<TableEntry>& table);
  void drop_outlived(const std::vector<TableEntry>& table);
  void load(std::uint32_t segment);
  void read(std::uint64_t offset, base::MutableBytes into);
  void walk(std::uint32_t segment, bool final, const Frame* successor);
  void check_predecessor(const Frame& group, std::uint32_t segment);
  [[nodiscard]] bool frame_at(std::uint32_t position, Frame& frame, std::uint32_t& crc) const noexcept;
  [[nodiscard]] std::uint32_t next_group(std::uint32_t from, Frame& frame) const noexcept;
  [[nodiscard]] bool whole(const Frame& group, std::uint32_t position) const noexcept;
  void take_group(const Frame& group, std::uint32_t crc, std::uint32_t position);
  /// Sequences that may appear in a region: in order, unless compaction moved the records there.
  struct Range {
    std::uint64_t first;
    std::uint64_t end;
    bool moved = false;
  };
  std::uint64_t salvage(std::uint32_t from, std::uint32_t to, Range range);
  void salvage_gap(std::uint32_t from, std::uint32_t to, std::uint64_t next_group, std::uint64_t next_sequence);
  void keep_tail(std::uint32_t from, std::uint32_t to);
  [[nodiscard]] std::uint32_t whole_write(std::uint32_t from, std::uint32_t to, std::uint64_t& sequence) const noexcept;
  void end_log(std::uint32_t position, bool sealed);
  void apply(std::uint32_t position, const RecordHead& head, base::Bytes key, bool damaged, bool moved);
  void apply_drop(const RecordHead& head);
  Location find_same(std::uint32_t keyspace, std::uint64_t hash, base::Bytes key);
  [[nodiscard]] bool doubtful(const Frame& group, std::uint32_t behind) const noexcept;
  [[nodiscard]] bool key_at(Location location, std::uint64_t hash, base::Bytes key);
  [[nodiscard]] bool head_at(Location location, RecordHead& head, base::Bytes& key);
  void count_live();
  void report_unknown();
  void report_known();

  [[nodiscard]] base::Bytes loaded(std::uint32_t from, std::uint32_t to) const noexcept {
    return buffer_.bytes().subspan(from, to - from);
  }
  [[nodiscard]] std::uint64_t address_of(std::uint32_t position) const noexcept { return base_ + position; }

  BlockDevice& device_;
  const Superblock& superblock_;
  const std::uint64_t salt_;
  Index& index_;
  SegmentTable& segments_;
  KeyWitness& witness_;
  std::vector<Probe> probes_;
  base::AlignedBuffer buffer_;
  base::AlignedBuffer block_;
  std::uint32_t segment_ = 0;
  std::uint64_t base_ = 0;
  std::uint64_t life_ = 0;
  /// record_seed of the segment being read.
  std::uint64_t seed_ = 0;
  /// Where the log is read from: behind the checkpoint's last group.
  CheckpointRoot from_;
  /// Segments that any readable root names.
  std::vector<std::uint32_t> page_segments_;
  /// The records being applied are compared with the index key by key.
  bool doubt_ = true;
  /// Of the last group: remains of torn writes beyond it are of earlier boots.
  std::uint32_t boot_ = 0;
  std::vector<Location> candidates_;
  bool unknown_reported_ = false;
  std::uint64_t damaged_records_ = 0;
  ReplayResult result_;
};

}  // namespace ferrite::engine
