#include "log/replay.h"

#include <algorithm>
#include <cstring>

#include "base/endian.h"
#include "device/sync_io.h"

namespace ferrite::engine {
namespace {

constexpr std::uint32_t kReadBytes = 1U << 20U;

}  // namespace

Replay::Replay(BlockDevice& device, const Superblock& superblock, Index& index, SegmentTable& segments,
               KeyWitness& witness)
    : device_(device),
      superblock_(superblock),
      salt_(image_salt(superblock)),
      index_(index),
      segments_(segments),
      witness_(witness),
      probes_(superblock.segment_count),
      buffer_(superblock.segment_bytes),
      block_(2 * kBlockBytes) {}

// Reads, block by block where a larger read fails; what cannot be read becomes bytes no checksum accepts.
void Replay::read(std::uint64_t offset, base::MutableBytes into) {
  if (run_io(device_, IoKind::kRead, offset, into) == 0) return;
  for (std::size_t at = 0; at < into.size(); at += kBlockBytes) {
    const base::MutableBytes block = into.subspan(at, kBlockBytes);
    if (run_io(device_, IoKind::kRead, offset + at, block) != 0) std::memset(block.data(), 0xdb, block.size());
  }
}

void Replay::load(std::uint32_t segment) {
  segment_ = segment;
  base_ = segments_.begin_of(segment);
  const auto size = static_cast<std::uint32_t>(buffer_.size());
  for (std::uint32_t at = 0; at < size; at += kReadBytes) {
    read(base_ + at, buffer_.bytes().subspan(at, std::min(kReadBytes, size - at)));
  }
}

void Replay::probe(std::uint32_t segment) {
  Probe& probe = probes_[segment];
  const base::MutableBytes block = block_.bytes().first(kBlockBytes);
  Frame frame;
  std::uint32_t crc = 0;
  read(segments_.trailer_of(segment), block);
  if (decode_frame(block, segments_.trailer_of(segment), salt_, frame, crc) && frame.kind == FrameKind::kFreeMark) {
    probe.retired = frame.life;
  } else if (!all_zero(block)) {
    ++result_.salvaged;
  }
  const auto tidy = [&] { return all_zero(base::Bytes(block).subspan(kGroupHeaderBytes)); };
  if (probe.retired > 0 && !tidy()) ++result_.salvaged;
  read(segments_.begin_of(segment), block);
  const bool valid = decode_frame(block, segments_.begin_of(segment), salt_, frame, crc);
  if (valid && frame.kind == FrameKind::kFreeMark) {
    probe.retired = std::max(probe.retired, frame.life);
    if (!tidy()) ++result_.salvaged;
  } else if (valid && holds_records(frame.kind)) {
    if (frame.life > probe.retired) {
      probe.start = Start::kGroup;
      probe.first = frame;
    }
  } else if (valid && is_page(frame.kind)) {
    if (frame.life > probe.retired) {
      probe.start = Start::kPage;
      probe.first = frame;
    }
  } else if (all_zero(block)) {
    probe.blank = true;
  } else {
    probe.start = Start::kGarbage;
  }
}

// A segment whose beginning is unreadable may still hold groups of a life that was not retired.
bool Replay::find_first(std::uint32_t segment) {
  load(segment);
  Frame frame;
  std::uint32_t crc = 0;
  Frame best;
  for (std::uint32_t at = kBlockBytes; at < segments_.usable_bytes(); at += kBlockBytes) {
    // The newest life counts: older groups are remains.
    if (frame_at(at, frame, crc) && holds_records(frame.kind) && frame.life > probes_[segment].retired &&
        frame.life > best.life) {
      best = frame;
    }
  }
  if (best.life == 0) return false;
  probes_[segment].first = best;
  return true;
}

ReplayResult Replay::run() {
  std::vector<std::uint32_t> order;
  std::vector<std::uint32_t> garbage;
  for (std::uint32_t segment = 0; segment < segments_.count(); ++segment) {
    probe(segment);
    if (probes_[segment].start == Start::kGarbage && find_pages(segment)) probes_[segment].start = Start::kPage;
    const bool live = probes_[segment].start == Start::kGroup ||
                      (probes_[segment].start == Start::kGarbage && find_first(segment));
    if (live) order.push_back(segment);
    if (!live && probes_[segment].start == Start::kGarbage) garbage.push_back(segment);
    // Pages of no use hold nothing alive, so their segments are given back.
    const bool page = probes_[segment].start == Start::kPage;
    const std::uint64_t life = live || page ? probes_[segment].first.life : probes_[segment].retired;
    segments_[segment].life = life;
    segments_[segment].version = live ? probes_[segment].first.version : kFrameVersion;
    segments_[segment].state = live || page ? SegmentState::kFull : SegmentState::kFree;
    result_.end.life = std::max(result_.end.life, life);
  }
  std::sort(order.begin(), order.end(),
            [this](std::uint32_t a, std::uint32_t b) { return probes_[a].first.group < probes_[b].first.group; });
  result_.end.position = segments_.begin_of(0);
  use_checkpoint();
  set_pages_aside(garbage);
  bool walked = false;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool final = i + 1 == order.size();
    const Frame& first = probes_[order[i]].first;
    // What lies in a segment was accepted before the next one was begun.
    if (!final) segments_[order[i]].newest = probes_[order[i + 1]].first.first_sequence - 1;
    const bool begun = order[i] == from_.segment && first.group <= from_.last.group;
    segments_[order[i]].expiring.known = first.group > from_.last.group;
    if (!begun && first.group <= from_.last.group) continue;
    walked = true;
    walk(order[i], final, final ? nullptr : &probes_[order[i + 1]].first);
  }
  if (walked) segments_[result_.end.segment].state = SegmentState::kActive;

  // A segment that cannot be understood at all: the log's first group in it was torn or is damaged. After a clean close
  // it cannot be torn, and when the log is known to miss groups it may have held them.
  const bool clean = superblock_.clean && result_.end.last.group <= superblock_.end_group;
  // The log leaves a segment only behind a durable seal.
  const bool left = !clean && (!walked || result_.end.sealed);
  for (const std::uint32_t segment : garbage) {
    segments_[segment].state = SegmentState::kQuarantined;
    if (!left) {
      report_unknown();
      continue;
    }
    result_.tail = Tail::kAmbiguous;
    if (garbage.size() > 1) report_unknown();
    load(segment);
    seed_ = record_seed(salt_, static_cast<std::uint8_t>(superblock_.version), result_.end.life + 1);
    keep_tail(0, segments_.usable_bytes());
  }
  if (left && garbage.size() == 1) {
    // Only the first group after a full segment can look like this: the log goes on here.
    if (walked) segments_[result_.end.segment].state = SegmentState::kFull;
    result_.end.segment = garbage.front();
    result_.end.position = segments_.begin_of(garbage.front());
    result_.end.sealed = false;
    segments_[garbage.front()].state = SegmentState::kActive;
    segments_[garbage.front()].life = ++result_.end.life;
  }
  if (clean) {
    if (result_.end.last.group < superblock_.end_group) report_unknown();
    result_.tail = Tail::kSealed;
  }
  count_live();
  report_known();
  return std::move(result_);
}

bool Replay::frame_at(std::uint32_t position, Frame& frame, std::uint32_t& crc) const noexcept {
  return position + kBlockBytes <= segments_.trailer_of(segment_) - base_ &&
         decode_frame(loaded(position, position + kBlockBytes), address_of(position), salt_, frame, crc) &&
         position + frame.length <= segments_.trailer_of(segment_) - base_;
}

// Position of the next group of this life behind `from`; 0 when there is none.
std::uint32_t Replay::next_group(std::uint32_t from, Frame& frame) const noexcept {
  std::uint32_t crc = 0;
  for (std::uint32_t at = from + kBlockBytes; at < segments_.usable_bytes(); at += kBlockBytes) {
    if (frame_at(at, frame, crc) && holds_records(frame.kind) && frame.life == life_ &&
        frame.group > result_.end.last.group) {
      return at;
    }
  }
  return 0;
}

void Replay::walk(std::uint32_t segment, bool final, const Frame* successor) {
  load(segment);
  life_ = probes_[segment].first.life;
  seed_ = segments_.seed_of(segment);
  result_.end.segment = segment;
  const bool begun = segment == from_.segment && probes_[segment].first.group <= from_.last.group;
  std::uint32_t position = begun ? static_cast<std::uint32_t>(from_.position - base_) : 0;
  bool sealed = false;
  while (position < segments_.usable_bytes() + kBlockBytes) {
    Frame frame;
    std::uint32_t crc = 0;
    const bool valid = frame_at(position, frame, crc) && frame.life == life_;
    if (valid && frame.kind == FrameKind::kSeal && frame.previous == result_.end.last) {
      sealed = true;
      if (!all_zero(loaded(position + kGroupHeaderBytes, position + kBlockBytes))) ++result_.salvaged;
      break;
    }
    const bool group = valid && holds_records(frame.kind) && frame.group > result_.end.last.group;
    Frame later;
    if (group) {
      // Only the very last group can be torn; it is when nothing vouches for it.
      const bool vouched = superblock_.clean && frame.group <= superblock_.end_group;
      if (final && !vouched && !whole(frame, position) && next_group(position, later) == 0) {
        Frame seal;
        std::uint32_t seal_crc = 0;
        const std::uint32_t behind = position + frame.length;
        if (!frame_at(behind, seal, seal_crc) || seal.kind != FrameKind::kSeal || seal.life != life_ ||
            seal.group != frame.group) {
          break;
        }
      }
      check_predecessor(frame, segment);
      doubt_ = doubtful(frame, position + frame.length);
      take_group(frame, crc, position);
      position += frame.length;
      continue;
    }
    const std::uint32_t next = next_group(position, later);
    if (next == 0) break;
    // A corrupt middle: groups of the log follow, so this was one, too.
    salvage_gap(position, next, later.group, later.first_sequence);
    result_.end.last = later.previous;
    position = next;
  }
  if (!final && !sealed) {
    // Every segment but the last ends with a seal. Without it: nothing is lost if the successor names our last group.
    if (successor->previous == result_.end.last) {
      ++result_.salvaged;
    } else {
      salvage_gap(position, segments_.usable_bytes(), successor->group, successor->first_sequence);
    }
  }
  if (final) end_log(position, sealed);
}

// Takes what is whole in a region whose groups have no readable header. Nothing is missing only when the gap was one group
// and its sequences are all there: of moved records nobody knows how many there were.
void Replay::salvage_gap(std::uint32_t from, std::uint32_t to, std::uint64_t next_group, std::uint64_t next_sequence) {
  doubt_ = true;
  const std::uint64_t expected = result_.end.next_sequence;
  const bool one = next_group == result_.end.last.group + 2 || segments_[segment_].version == 1;
  const std::uint64_t found = salvage(from, to, {expected, next_sequence});
  if (segments_[segment_].version > 1) salvage(from, to, {1, expected, true});
  if (one && expected < next_sequence && expected + found == next_sequence) {
    ++result_.salvaged;
  } else {
    report_unknown();
  }
}

void Replay::end_log(std::uint32_t position, bool sealed) {
  result_.end.position = address_of(position);
  result_.end.sealed = sealed;
  if (sealed) return;
  if (superblock_.clean && result_.end.last.group == superblock_.end_group) {
    ++result_.salvaged;  // the seal is damaged, the superblock vouches for the end
    return;
  }
  result_.tail = Tail::kAmbiguous;
  keep_tail(position, segments_.usable_bytes());
}

// The group itself or what follows it says whether its records met other keys under their hashes.
bool Replay::doubtful(const Frame& group, std::uint32_t behind) const noexcept {
  Frame next;
  std::uint32_t crc = 0;
  if (group.version == 1 || (group.doubt & kDoubtOwn) != 0) return true;
  if (!frame_at(behind, next, crc) || next.life != group.life || next.previous.group != group.group) return true;
  return is_page(next.kind) || (next.doubt & kDoubtPrevious) != 0;
}

// Compares a group's idea of its predecessor with what came before it.
void Replay::check_predecessor(const Frame& group, std::uint32_t segment) {
  const GroupId& last = result_.end.last;
  if (group.previous == last) return;
  if (group.previous.group == 0) return;
  const std::uint32_t before = segments_.index_of(group.previous.address);
  const bool inside = group.previous.address >= kDataOffset && before < segments_.count();
  if (!inside || before == segment) {
    report_unknown();
    return;
  }
  // The predecessor's segment was given back since, or used again for something newer: then the gap is as it should be.
  const Probe& probe = probes_[before];
  const bool gone = probe.start == Start::kPage || (probe.start == Start::kUnused && !probe.blank) ||
                    (segments_[before].state == SegmentState::kFull && probe.first.group > group.previous.group);
  if (!gone) report_unknown();
}

bool Replay::whole(const Frame& group, std::uint32_t position) const noexcept {
  std::uint32_t at = position + kGroupHeaderBytes;
  const std::uint32_t end = position + group.used_bytes;
  for (std::uint32_t i = 0; i < group.record_count; ++i) {
    RecordHead head;
    base::Bytes key;
    base::Bytes value;
    if (at >= end || !decode_record_head(loaded(at, end), address_of(at), seed_, head, key) ||
        !decode_record_value(loaded(at, end), head, value) ||
        (group.kind == FrameKind::kGroup && head.sequence != group.first_sequence + i)) {
      return false;
    }
    at += record_bytes(head.key_bytes, head.value_bytes);
  }
  return at == end && all_zero(loaded(end, position + group.length));
}

void Replay::take_group(const Frame& group, std::uint32_t crc, std::uint32_t position) {
  const bool moved = group.kind == FrameKind::kCopies;
  const std::uint64_t end_sequence = group.first_sequence + (moved ? 0 : group.record_count);
  const Range range = moved ? Range{1, group.first_sequence, true} : Range{group.first_sequence, end_sequence};
  const std::uint64_t found = salvage(position + kGroupHeaderBytes, position + group.used_bytes, range);
  if (found < group.record_count) report_unknown();
  if (!all_zero(loaded(position + group.used_bytes, position + group.length))) ++result_.salvaged;
  result_.replayed_records += group.record_count;
  result_.replayed_bytes += group.length;
  result_.end.last = {group.group, group.address, crc};
  boot_ = group.boot;
  result_.end.next_sequence = std::max(result_.end.next_sequence, end_sequence);
}

// Applies the records of a region that have a whole head, in order, and returns how many there are. Where a head is not
// whole the next one is looked for, so that one damaged record hides no other.
std::uint64_t Replay::salvage(std::uint32_t from, std::uint32_t to, Range range) {
  std::uint64_t count = 0;
  while (from + kRecordHeadBytes <= to) {
    RecordHead head;
    base::Bytes key;
    base::Bytes value;
    const base::Bytes rest = loaded(from, to);
    if (!decode_record_head(rest, address_of(from), seed_, head, key) || head.sequence < range.first ||
        head.sequence >= range.end || head.boot < boot_ ||
        record_bytes(head.key_bytes, head.value_bytes) > rest.size()) {
      from += kRecordAlignment;
      continue;
    }
    const bool sound = decode_record_value(rest, head, value);
    apply(from, head, key, !sound, range.moved);
    if (!sound) ++damaged_records_;
    if (!range.moved) range.first = head.sequence + 1;
    result_.end.next_sequence = std::max(result_.end.next_sequence, head.sequence + 1);
    ++count;
    from += record_bytes(head.key_bytes, head.value_bytes);
  }
  return count;
}

// Collects whole records of the last boot behind the log's end: of a group that was torn or is damaged.
void Replay::keep_tail(std::uint32_t from, std::uint32_t to) {
  std::uint64_t sequence = result_.end.next_sequence;
  while (from + kRecordHeadBytes <= to) {
    const std::uint32_t end = whole_write(from, to, sequence);
    if (end == 0) {
      from += kRecordAlignment;
      continue;
    }
    const base::Bytes kept = loaded(from, end);
    result_.tail_records.insert(result_.tail_records.end(), kept.begin(), kept.end());
    from = end;
  }
}

// The end of the record at `from`, or of the batch that begins there: 0 unless all of it is whole, of the last boot and
// not before `sequence`, which then is the one behind it.
std::uint32_t Replay::whole_write(std::uint32_t from, std::uint32_t to, std::uint64_t& sequence) const noexcept {
  std::uint64_t next = sequence;
  RecordHead head;
  for (bool begun = false; !begun || (head.flags & kBatchGoesOn) != 0; begun = true) {
    base::Bytes key;
    base::Bytes value;
    const base::Bytes rest = loaded(from, to);
    if (!decode_record_head(rest, address_of(from), seed_, head, key) ||
        (begun ? head.sequence != next : head.sequence < next) || ((head.flags & kBatchBegun) != 0) != begun ||
        head.boot != static_cast<std::uint32_t>(superblock_.boot_count) || !decode_record_value(rest, head, value)) {
      return 0;
    }
    next = head.sequence + 1;
    from += record_bytes(head.key_bytes, head.value_bytes);
  }
  sequence = next;
  return from;
}

}  // namespace ferrite::engine
