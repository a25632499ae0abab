// The write path: groups go out one at a time; each is applied and acknowledged after its flush.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "core/core.h"

namespace ferrite::engine::internal {

using base::Effect;
using base::Reason;
using base::Status;

void Core::pump_writes() noexcept {
  if (failed() || log_busy()) return;
  if (copies_first()) {
    submit_copies();
    return;
  }
  if (group_ == nullptr) {
    const std::lock_guard lock(mutex_);
    group_ = intake_->take();
    if (group_ == nullptr) {
      const bool idle_long = closing_ || now() - last_commit_ >= kSealAfter;
      if (may_seal_ && !sealed_ && intake_->empty() && idle_long) start_seal();
      return;
    }
  }
  stalled_ = !make_place(group_->length(), kSparedForMoving) && !sealing_;
  waiting_place_ = stalled_;
  if (!stalled_ && !sealing_) submit_group();
}

void Core::submit_group() noexcept {
  StagedGroup& group = *group_;
  group_address_ = position_;
  std::memset(group.data + group.used, 0, group.length() - group.used);
  for (std::uint32_t i = 0; i < group.count; ++i) {
    const StagedWrite& write = intake_->write(group, i);
    seal_record(group.data + write.offset, group_address_ + write.offset, segments_->seed_of(active_));
  }
  Frame frame;
  frame.kind = FrameKind::kGroup;
  frame.length = group.length();
  frame.group = last_.group + 1;
  frame.address = group_address_;
  frame.life = (*segments_)[active_].life;
  frame.previous = last_;
  frame.record_count = group.count;
  frame.first_sequence = intake_->write(group, 0).sequence;
  frame.used_bytes = group.used;
  frame.boot = static_cast<std::uint32_t>(superblock_.boot_count);
  frame.doubt = last_doubt_ ? kDoubtPrevious : 0;
  group_crc_ = encode_frame(frame, salt_, {group.data, kGroupHeaderBytes});
  group_submitted_ = true;
  group_durable_ = false;
  sealed_ = false;
  group_io_.owner = this;
  start_io(group_io_, IoKind::kWriteDurable, group_address_, group.length(), group.data,
           [](IoRequest& request) { static_cast<Core*>(request.owner)->finish_group_io(); });
  plan_verification();
  pump_verification();
}

void Core::finish_group_io() noexcept {
  group_durable_ = true;
  if (group_io_.error != 0) fail(group_io_.error, "a write of the log failed");
  if (open_questions_ == 0) commit_group();
}

std::size_t Core::find_candidates(std::uint32_t keyspace, std::uint64_t hash) {
  const std::size_t count = index_->find(keyspace, hash, candidates_);
  if (count <= candidates_.size()) return count;
  candidates_.resize(count);
  return index_->find(keyspace, hash, candidates_);
}

// Finds out, for every write, which record under its hash has the same key. Mostly the witness knows; otherwise the
// old record's head is read while the group is being written.
void Core::plan_verification() noexcept {
  questions_.clear();
  next_question_ = 0;
  open_questions_ = 0;
  for (std::uint32_t i = 0; i < group_->count; ++i) {
    StagedWrite& write = intake_->write(*group_, i);
    if (write.kind == RecordKind::kDrop) continue;
    const std::size_t count = find_candidates(write.keyspace, write.hash);
    if (count == 0) continue;
    const std::uint8_t* record = group_->data + write.offset;
    const base::Bytes key(record + kRecordHeadBytes, trusted_record_head(record).key_bytes);
    for (std::size_t c = 0; c < count; ++c) {
      const std::optional<bool> same = witness_->same(candidates_[c], key);
      if (!same.has_value()) {
        questions_.push_back({i, candidates_[c]});
      } else if (*same) {
        write.match = candidates_[c];
      }
    }
  }
  open_questions_ = static_cast<std::uint32_t>(questions_.size());
}

void Core::pump_verification() noexcept {
  while (next_question_ < questions_.size()) {
    Verifier* verifier = idle_verifiers_.pop();
    if (verifier == nullptr) return;
    const Question& question = questions_[next_question_++];
    if (verifier->buffer.size() == 0) verifier->buffer = base::AlignedBuffer(2 * kBlockBytes);
    verifier->write = &intake_->write(*group_, question.write);
    verifier->location = question.location;
    verifier->io.owner = verifier;
    verifier->core = this;
    const std::uint64_t address = question.location.address();
    const std::uint64_t start = address / kBlockBytes * kBlockBytes;
    const std::uint64_t end =
        base::round_up<std::uint64_t>(address + std::min(question.location.bytes(), kRecordHeadBytes + kKeyBytesMax),
                                      kBlockBytes);
    start_io(verifier->io, IoKind::kRead, start, static_cast<std::uint32_t>(end - start), verifier->buffer.data(),
             [](IoRequest& request) { static_cast<Verifier*>(request.owner)->core->finish_verification(request); });
  }
}

void Core::finish_verification(IoRequest& request) noexcept {
  auto* verifier = static_cast<Verifier*>(request.owner);
  const std::uint64_t address = verifier->location.address();
  RecordHead head;
  base::Bytes found;
  const base::Bytes read = verifier->buffer.bytes().first(request.length).subspan(address % kBlockBytes);
  const bool readable = request.error == 0 && decode_record_head(read, address, segments_->seed_at(address), head, found);
  const std::uint8_t* record = group_->data + verifier->write->offset;
  const base::Bytes key(record + kRecordHeadBytes, trusted_record_head(record).key_bytes);
  // What cannot be read back is lost already; the newer record under its hash takes its place.
  if (!readable) {
    add(counters_.checksum_failures, 1);
    // It may have been another key's, though hardly ever: the write may tell its own.
    report_damage(verifier->write->keyspace, verifier->write->hash, {}, DamageSource::kRead);
  }
  if (!readable || (found.size() == key.size() && std::memcmp(found.data(), key.data(), key.size()) == 0)) {
    verifier->write->match = verifier->location;
  }
  idle_verifiers_.push(verifier);
  --open_questions_;
  pump_verification();
  if (open_questions_ == 0 && group_durable_) commit_group();
}

void Core::apply(StagedWrite& write, const RecordHead& head, base::Bytes key) noexcept {
  const Location location(group_address_ + write.offset, write.bytes);
  if (head.kind != RecordKind::kPut) {
    Segment& segment = segments_->at(location.address());
    ++segment.removals;
    segment.removal_charge += segments_->capacity().charge(location.bytes());
    add(counters_.removes, 1);
  }
  if (head.kind == RecordKind::kDrop) {
    apply_drop(write);
    return;
  }
  Location older;
  const std::size_t count = find_candidates(write.keyspace, write.hash);
  for (std::size_t c = 0; c < count; ++c) {
    const std::uint64_t address = candidates_[c].address();
    if (address >= group_address_ && address < group_address_ + group_->used) {
      const std::uint8_t* earlier = group_->data + (address - group_address_);
      if (trusted_record_head(earlier).key_bytes == key.size() &&
          std::memcmp(earlier + kRecordHeadBytes, key.data(), key.size()) == 0) {
        older = candidates_[c];
      }
    } else if (candidates_[c] == write.match) {
      older = candidates_[c];
    }
  }
  if (count > (older.none() ? 0U : 1U)) group_doubt_ = true;
  if (!older.none()) {
    segments_->drop(older);
    counters_.record_bytes.fetch_sub(older.bytes(), std::memory_order_relaxed);
    released_ += segments_->capacity().charge(older.bytes());
  }
  if (head.kind == RecordKind::kRemove) {
    if (!older.none()) index_->erase(write.keyspace, write.hash, older);
    if (!older.none()) note_change(write.keyspace, write.hash);
    return;
  }
  segments_->keep(location);
  segments_->note_expiry(location, head.expires_at_ms);
  add(counters_.record_bytes, location.bytes());
  add(counters_.appends, 1);
  witness_->remember(location, key);
  note_change(write.keyspace, write.hash);
  if (older.none()) {
    index_->insert(write.keyspace, write.hash, location);
  } else {
    index_->replace(write.keyspace, write.hash, older, location);
  }
}

// Nothing of the partition is found from now on; what it held is taken off the books bit by bit.
void Core::apply_drop(const StagedWrite& write) noexcept {
  const std::uint32_t partition = partition_of(write.hash, superblock_.partition_bits);
  Index::Cut cut = index_->detach(write.keyspace, partition);
  if (!cut.empty()) cuts_.push_back(std::move(cut));
  note_partition_dropped(write.keyspace, partition);
}

void Core::release_cuts() noexcept {
  if (cuts_.empty()) return;
  std::int64_t charge = 0;
  std::uint64_t bytes = 0;
  index_->give_back(cuts_.back(), kLeavesTogether, [&](const IndexEntry& entry) {
    segments_->drop(entry.location);
    charge += segments_->capacity().charge(entry.location.bytes());
    bytes += entry.location.bytes();
  });
  if (cuts_.back().empty()) cuts_.pop_back();
  counters_.record_bytes.fetch_sub(bytes, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  promised_ -= charge;
  note_space();
}

void Core::apply_group(StagedGroup& group) noexcept {
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i < group.count;) {
    const std::lock_guard lock(index_mutex_);
    const std::uint32_t end = std::min(group.count, i + kAppliedTogether);
    for (bool in_batch = false; i < end || in_batch; ++i) {
      StagedWrite& write = intake_->write(group, i);
      const std::uint8_t* record = group.data + write.offset;
      const RecordHead head = trusted_record_head(record);
      in_batch = (head.flags & kBatchGoesOn) != 0;
      apply(write, head, {record + kRecordHeadBytes, head.key_bytes});
      bytes += std::uint64_t{head.key_bytes} + head.value_bytes;
    }
  }
  add(counters_.user_bytes, bytes);
}

void Core::commit_group() noexcept {
  StagedGroup& group = *group_;
  const bool durable = group_io_.error == 0;
  if (durable) {
    apply_group(group);
    release_cuts();
  }
  for (std::uint32_t i = 0; i < group.count; ++i) {
    const StagedWrite& write = intake_->write(group, i);
    const std::uint8_t* record = group.data + write.offset;
    const RecordHead head = trusted_record_head(record);
    Completion completion;
    completion.tag = write.tag;
    completion.kind = head.kind == RecordKind::kPut ? OpKind::kAppend : OpKind::kRemove;
    completion.sequence = write.sequence;
    if (!durable) {
      completion.status = Status(Reason::kDeviceFailed, "the write may or may not have reached the device",
                                 group_io_.error, Effect::kUnknown);
    }
    deliver(write.client, std::move(completion), observer_.recent_since(write.begun_ns));
  }
  const std::uint64_t last_sequence = intake_->write(group, group.count - 1).sequence;
  if (durable) {
    last_ = {last_.group + 1, group_address_, group_crc_};
    last_doubt_ = std::exchange(group_doubt_, false);
    position_ += group.length();
    earn_moving(group.length());
    count_for_checkpoint(group.count, group.length());
    applied_sequence_ = last_sequence;
    add(counters_.groups, 1);
    Observer::committed(last_.group, group.count, group.length(), observer_.recent_since(group_io_.begun_ns));
    counters_.records.store(index_->size(), std::memory_order_relaxed);
    counters_.index_bytes.store(index_->memory_bytes(), std::memory_order_relaxed);
    may_seal_ = may_seal_ || !restoring_;
    ambiguous_ = ambiguous_ && restoring_;
    last_commit_ = now();
  }
  {
    const std::lock_guard lock(mutex_);
    for (std::uint32_t i = 0; i < group.count; ++i) pending_.applied(intake_->write(group, i));
    promised_ -= std::exchange(released_, 0);
    note_space();
    intake_->release(group);
  }
  group_ = nullptr;
  group_submitted_ = false;
  resume_deferred();
  pump_writes();
}

}  // namespace ferrite::engine::internal
