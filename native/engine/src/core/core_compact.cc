// Compaction: what is still alive in a segment is moved to the log's end, and the segment is given back.
//
// Moved records go in groups of their own, between those of clients. What goes into one is decided when it is written,
// with everything before it applied: so a moved record is the newest of its key at that place of the log, and replay may
// take it as it comes. Removals are moved too while older segments may hold what they hide; replay applies a moved
// removal only to older records.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "checksum/xxh64.h"
#include "core/core.h"

namespace ferrite::engine::internal {
namespace {

constexpr std::uint32_t kWindowBytes = 1U << 20U;
constexpr std::uint32_t kMoveBytes = 256U << 10U;
constexpr std::uint32_t kMovesMax = 4096;
/// A segment with less room left is left rather than filled up with tiny groups.
constexpr std::uint32_t kRoomMin = 16U << 10U;
constexpr std::int64_t kCreditMax = 4 * std::int64_t{kMoveBytes};

// Makes a record that was copied to `to` the removal of what came before it; returns its bytes. As a moved removal it
// hides what the record hid, and nothing that is newer.
std::uint32_t removal_of(RecordHead head, std::uint8_t* to) noexcept {
  head.kind = RecordKind::kRemove;
  head.flags = 0;
  head.value_bytes = 0;
  head.expires_at_ms = 0;
  head.boot = trusted_record_head(to).boot;
  std::array<std::uint8_t, kKeyBytesMax> key;
  std::memcpy(key.data(), to + kRecordHeadBytes, head.key_bytes);
  place_record(head, base::Bytes(key).first(head.key_bytes), {}, to);
  return record_bytes(head.key_bytes, 0);
}

}  // namespace

// As many segments as compaction keeps free ahead of the log: the one it needs itself, and a few for bursts.
std::uint32_t Core::free_wanted() const noexcept { return 2 + segments_->count() / 128; }

// Puts go first while there is room; they pay for what they use up, so that the room never ends.
bool Core::copies_first() noexcept {
  if (!moving_.moves.empty()) return true;
  if (!moving_.has_candidates() || (draining_ && !stalled_)) return false;
  if (moving_.credit > 0 || stalled_ || segments_->free_count() <= kSparedForMoving) return true;
  const std::lock_guard lock(mutex_);
  return group_ == nullptr && intake_->empty();
}

// A client's group of `bytes` is in the log: that much more may be moved. To gain a byte of a segment that is alive to
// the part u, u / (1 - u) bytes are moved; the fewer segments are free, the more is moved for each byte.
void Core::earn_moving(std::uint32_t bytes) noexcept {
  if (!moving_.active) return;
  const Segment& victim = (*segments_)[moving_.victim];
  const double alive = std::clamp(static_cast<double>(victim.live_charge) / segments_->usable_bytes(), 0.1, 0.95);
  const double wanted = free_wanted();
  const double lacking = std::max(0.0, wanted - segments_->free_count()) / wanted;
  const double pace = alive / (1 - alive) * (1 + 3 * lacking);
  moving_.credit = std::min(kCreditMax, moving_.credit + static_cast<std::int64_t>(bytes * pace));
}

void Core::pump_moving() noexcept {
  while (!failed() && !moving_.reading && !moving_.writing && !moving_.has_candidates() && moving_.moves.empty()) {
    if (draining_ && !stalled_) return;
    // A segment is judged by what it holds once dropped partitions are off the books.
    if (!cuts_.empty() && (!moving_.active || moving_.position >= moving_.end)) return;
    if (!moving_.active) {
      if (!start_moving()) return;
    } else if (moving_.position >= moving_.end) {
      finish_victim();
    } else {
      read_window(kWindowBytes);
    }
  }
}

bool Core::start_moving() noexcept {
  const bool lacking = segments_->free_count() < free_wanted() || stalled_;
  if (!lacking && !wants_expired()) return false;
  const std::optional<std::uint32_t> victim = segments_->pick_victim(life_, expiry_.final_ms(), !lacking);
  if (!victim.has_value()) {
    if (stalled_ && !freeing_ && !zeroing_ && !log_busy() && !segments_->pick_dead(last_.group).has_value()) {
      fail(ENOSPC, "no segment is left for an accepted write");
    }
    return false;
  }
  moving_.active = true;
  moving_.victim = *victim;
  (*segments_)[*victim].state = SegmentState::kEmptying;
  moving_.position = segments_->begin_of(*victim);
  moving_.end = segments_->trailer_of(*victim);
  moving_.last_group = 0;
  return true;
}

// Records whose time has passed are looked for before writes are refused for want of space.
bool Core::wants_expired() noexcept {
  if (!options_.expire) return false;
  const std::lock_guard lock(mutex_);
  return promised_ > segments_->capacity().puts() / 8 * 7;
}

void Core::read_window(std::uint32_t bytes) noexcept {
  bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, moving_.end - moving_.position));
  if (moving_.window.size() < bytes) moving_.window = base::AlignedBuffer(bytes);
  moving_.window_at = moving_.position;
  moving_.window_bytes = bytes;
  moving_.reading = true;
  moving_.read.owner = this;
  start_io(moving_.read, IoKind::kRead, moving_.position, bytes, moving_.window.data(),
           [](IoRequest& request) { static_cast<Core*>(request.owner)->finish_window(); });
}

// Lists what the window holds. A group that reaches beyond it is where the next window begins. What cannot be read stays
// where it is: then the segment keeps something alive and is not given back.
void Core::finish_window() noexcept {
  moving_.reading = false;
  moving_.candidates.clear();
  moving_.next = 0;
  const std::uint64_t window_end = moving_.window_at + moving_.window_bytes;
  const Segment& victim = (*segments_)[moving_.victim];
  const std::uint64_t seed = segments_->seed_of(moving_.victim);
  while (moving_.position < window_end) {
    const auto at = static_cast<std::uint32_t>(moving_.position - moving_.window_at);
    const base::Bytes rest = moving_.window.bytes().first(moving_.window_bytes).subspan(at);
    Frame frame;
    std::uint32_t crc = 0;
    if (moving_.read.error != 0 || !decode_frame(rest, moving_.position, salt_, frame, crc) ||
        frame.life != victim.life || moving_.position + frame.length > moving_.end) {
      moving_.position += kBlockBytes;
      continue;
    }
    if (frame.kind == FrameKind::kSeal) {
      moving_.position = moving_.end;
      break;
    }
    if (frame.length > rest.size()) {
      if (at == 0) {
        read_window(frame.length);
        return;
      }
      break;
    }
    list_candidates(rest.first(frame.used_bytes), at, seed);
    moving_.position += frame.length;
  }
  pump_moving();
  pump_writes();
}

void Core::list_candidates(base::Bytes group, std::uint32_t at, std::uint64_t seed) noexcept {
  for (std::uint32_t offset = kGroupHeaderBytes; offset + kRecordHeadBytes <= group.size();) {
    const base::Bytes rest = group.subspan(offset);
    RecordHead head;
    base::Bytes key;
    base::Bytes value;
    if (!decode_record_head(rest, moving_.position + offset, seed, head, key) ||
        record_bytes(head.key_bytes, head.value_bytes) > rest.size()) {
      offset += kRecordAlignment;
      continue;
    }
    const std::uint32_t bytes = record_bytes(head.key_bytes, head.value_bytes);
    if (decode_record_value(rest, head, value)) {
      const std::uint64_t hash = head.kind == RecordKind::kDrop
                                     ? first_hash_of(head.partition, superblock_.partition_bits)
                                     : checksum::xxh64(key);
      moving_.candidates.push_back({at + offset, bytes, head.keyspace, head.kind, hash});
    }
    offset += bytes;
  }
}

// True when the record must live on behind the log's end.
bool Core::must_move(const Moving::Candidate& candidate, Location from) noexcept {
  if (candidate.kind == RecordKind::kPut) return index_->contains(candidate.keyspace, candidate.hash, from);
  if (segments_->oldest(moving_.victim)) return false;
  const std::uint8_t* record = moving_.window.data() + candidate.offset;
  if (candidate.kind == RecordKind::kDrop) {
    const std::uint64_t origin = trusted_record_head(record).expires_at_ms;
    return origin == 0 || !segments_->nothing_before(origin);
  }
  // The key was put again: what lies before that put is hidden by it.
  const base::Bytes key(record + kRecordHeadBytes, trusted_record_head(record).key_bytes);
  const std::size_t count = find_candidates(candidate.keyspace, candidate.hash);
  return std::none_of(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(count),
                      [&](Location location) { return witness_->same(location, key).value_or(false); });
}

// Chooses what goes into the next moved group: as much as the log's segment still takes.
void Core::gather_moves() noexcept {
  const std::uint64_t room = has_active_ && !leave_active_ ? segments_->usable_end(active_) - position_ : 0;
  moving_.moves.clear();
  moving_.doubt = false;
  moving_.used = kGroupHeaderBytes;
  while (moving_.has_candidates() && moving_.moves.size() < kMovesMax) {
    const Moving::Candidate& candidate = moving_.candidates[moving_.next];
    const std::uint32_t needed = base::round_up(moving_.used + candidate.bytes, kBlockBytes);
    if (!moving_.moves.empty() && (needed > kMoveBytes || needed > std::max<std::uint64_t>(room, kRoomMin))) return;
    ++moving_.next;
    const Location from(moving_.window_at + candidate.offset, candidate.bytes);
    if (!must_move(candidate, from)) {
      if (candidate.kind != RecordKind::kPut) forget_removal(candidate.bytes);
      continue;
    }
    const RecordHead head = trusted_record_head(moving_.window.data() + candidate.offset);
    const bool ended = candidate.kind == RecordKind::kPut && expiry_.final(head);
    if (ended && segments_->oldest(moving_.victim)) {
      const std::lock_guard lock(index_mutex_);
      end_record(candidate.keyspace, candidate.hash, from);
      continue;
    }
    if (moving_.group.size() < needed) {
      base::AlignedBuffer larger(std::max(needed, kMoveBytes));
      if (!moving_.moves.empty()) std::memcpy(larger.data(), moving_.group.data(), moving_.used);
      moving_.group = std::move(larger);
    }
    std::uint8_t* to = moving_.group.data() + moving_.used;
    std::memcpy(to, moving_.window.data() + candidate.offset, candidate.bytes);
    stamp_moved_record(to, static_cast<std::uint32_t>(superblock_.boot_count));
    if (candidate.kind == RecordKind::kDrop) {
      stamp_drop_origin(to, (*segments_)[moving_.victim].life);
    } else if (find_candidates(candidate.keyspace, candidate.hash) > 1) {
      moving_.doubt = true;
    }
    const RecordKind kind = ended ? RecordKind::kRemove : candidate.kind;
    const std::uint32_t bytes = ended ? removal_of(head, to) : candidate.bytes;
    moving_.moves.push_back({from, moving_.used, bytes, candidate.keyspace, kind, candidate.hash, ended});
    moving_.used += bytes;
  }
}

// Takes a record whose time has passed off the books.
void Core::end_record(std::uint32_t keyspace, std::uint64_t hash, Location location) noexcept {
  FERRITE_CHECK(index_->erase(keyspace, hash, location));
  segments_->drop(location);
  note_change(keyspace, hash);
  add(counters_.expired, 1);
  counters_.record_bytes.fetch_sub(location.bytes(), std::memory_order_relaxed);
  counters_.records.store(index_->size(), std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  promised_ -= segments_->capacity().charge(location.bytes());
  note_space();
}

void Core::forget_removal(std::uint32_t bytes) noexcept {
  Segment& victim = (*segments_)[moving_.victim];
  const std::int64_t charge = segments_->capacity().charge(bytes);
  --victim.removals;
  victim.removal_charge -= charge;
  const std::lock_guard lock(mutex_);
  promised_ -= charge;
}

void Core::submit_copies() noexcept {
  // Nothing is applied between the choice and the write: until these are written no other group is.
  if (moving_.moves.empty()) gather_moves();
  if (moving_.moves.empty()) {
    pump_moving();
    if (!log_busy()) pump_writes();
    return;
  }
  waiting_place_ = !make_place(base::round_up(moving_.used, kBlockBytes), 0) && !sealing_;
  if (waiting_place_ && !freeing_ && !zeroing_ && cuts_.empty() && !segments_->pick_dead(last_.group).has_value()) {
    fail(ENOSPC, "no segment is left to move records to");
  }
  if (waiting_place_ || sealing_) return;
  const std::uint32_t length = base::round_up(moving_.used, kBlockBytes);
  std::memset(moving_.group.data() + moving_.used, 0, length - moving_.used);
  moving_.address = position_;
  for (const Moving::Move& move : moving_.moves) {
    seal_record(moving_.group.data() + move.offset, moving_.address + move.offset, segments_->seed_of(active_));
  }
  Frame frame;
  frame.kind = FrameKind::kCopies;
  frame.length = length;
  frame.group = last_.group + 1;
  frame.address = moving_.address;
  frame.life = (*segments_)[active_].life;
  frame.previous = last_;
  frame.record_count = static_cast<std::uint32_t>(moving_.moves.size());
  frame.first_sequence = applied_sequence_ + 1;
  frame.used_bytes = moving_.used;
  frame.boot = static_cast<std::uint32_t>(superblock_.boot_count);
  frame.doubt = (last_doubt_ ? kDoubtPrevious : 0) | (moving_.doubt ? kDoubtOwn : 0);
  moving_.crc = encode_frame(frame, salt_, {moving_.group.data(), kGroupHeaderBytes});
  moving_.writing = true;
  moving_.credit = std::max(-kCreditMax, moving_.credit - length);
  sealed_ = false;
  moving_.write.owner = this;
  start_io(moving_.write, IoKind::kWriteDurable, moving_.address, length, moving_.group.data(),
           [](IoRequest& request) { static_cast<Core*>(request.owner)->finish_copies(); });
}

void Core::finish_copies() noexcept {
  moving_.writing = false;
  if (moving_.write.error != 0) {
    fail(moving_.write.error, "a write of moved records failed");
    return;
  }
  last_ = {last_.group + 1, moving_.address, moving_.crc};
  moving_.last_group = last_.group;
  last_doubt_ = false;
  const std::uint32_t length = base::round_up(moving_.used, kBlockBytes);
  position_ += length;
  add(counters_.moved_bytes, length);
  count_for_checkpoint(moving_.moves.size(), length);
  for (std::size_t i = 0; i < moving_.moves.size();) {
    const std::lock_guard lock(index_mutex_);
    const std::size_t end = std::min<std::size_t>(moving_.moves.size(), i + kAppliedTogether);
    for (; i < end; ++i) apply_move(moving_.moves[i]);
  }
  moving_.moves.clear();
  may_seal_ = true;
  last_commit_ = now();
  pump_moving();
  pump_free();
  pump_writes();
}

void Core::apply_move(const Moving::Move& move) noexcept {
  const Location to(moving_.address + move.offset, move.bytes);
  if (move.ended) {
    end_record(move.keyspace, move.hash, move.from);
    segments_->at(to.address()).removals++;
    const std::int64_t charge = segments_->capacity().charge(to.bytes());
    segments_->at(to.address()).removal_charge += charge;
    const std::lock_guard lock(mutex_);
    promised_ += charge;
    return;
  }
  if (move.kind != RecordKind::kPut) {
    const std::int64_t charge = segments_->capacity().charge(to.bytes());
    Segment& target = segments_->at(to.address());
    ++target.removals;
    target.removal_charge += charge;
    Segment& victim = (*segments_)[moving_.victim];
    --victim.removals;
    victim.removal_charge -= charge;
    return;
  }
  const std::uint8_t* record = moving_.group.data() + move.offset;
  FERRITE_CHECK(index_->replace(move.keyspace, move.hash, move.from, to));
  segments_->drop(move.from);
  segments_->keep(to);
  const RecordHead head = trusted_record_head(record);
  segments_->note_expiry(to, head.expires_at_ms);
  witness_->remember(to, {record + kRecordHeadBytes, head.key_bytes});
}

void Core::finish_victim() noexcept {
  moving_.active = false;
  Segment& victim = (*segments_)[moving_.victim];
  victim.state = SegmentState::kFull;
  victim.vouched_by = std::max(victim.vouched_by, moving_.last_group);
  // What could not be read stays: emptying it again would come to the same.
  if (victim.live_records > 0 || victim.removals > 0) {
    victim.stuck = true;
    suspect(segments_->begin_of(moving_.victim), segments_->usable_end(moving_.victim), DamageSource::kCompaction);
  }
  pump_free();
}

}  // namespace ferrite::engine::internal
