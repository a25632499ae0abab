// Scrub: one pass over the superblocks, the index checkpoint and every segment of the log as they are when it begins, at
// a bounded rate. A group that is not whole makes a suspect of its place (core_damage.cc); what is alive there is read
// one by one, so that damage is named by record and the rest of a damaged group is not accused.
#include <algorithm>
#include <cstring>
#include <utility>

#include "core/core.h"

namespace ferrite::engine::internal {
namespace {

using base::Reason;
using base::Status;
using Area = Scrubbing::Area;

constexpr std::uint32_t kWindowBytes = 256U << 10U;
static_assert(kWindowBytes % kPageBytes == 0);
/// Reads of clients hold a pass up for no longer than this for each window: without a bound it would never end.
constexpr std::chrono::milliseconds kPatience{20};
/// What was missed is not made up for beyond this.
constexpr std::chrono::milliseconds kBurst{50};

std::uint64_t now_ms() noexcept {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

// Every record of a whole group's content, and nothing behind them.
bool sound_group(const Frame& group, base::Bytes bytes, std::uint64_t address, std::uint64_t seed) noexcept {
  std::uint32_t at = kGroupHeaderBytes;
  for (std::uint32_t i = 0; i < group.record_count; ++i) {
    RecordHead head;
    base::Bytes key;
    base::Bytes value;
    if (at >= group.used_bytes) return false;
    const base::Bytes rest = bytes.first(group.used_bytes).subspan(at);
    if (!decode_record_head(rest, address + at, seed, head, key) || !decode_record_value(rest, head, value)) return false;
    at += record_bytes(head.key_bytes, head.value_bytes);
  }
  return at == group.used_bytes && all_zero(bytes.subspan(at, group.length - at));
}

}  // namespace

ScrubProgress Core::scrub_progress() const noexcept {
  const auto get = [](const std::atomic<std::uint64_t>& gauge) { return gauge.load(std::memory_order_relaxed); };
  const Scrubbing& s = scrubbing_;
  return {s.running.load(std::memory_order_relaxed), get(s.bytes_done),     get(s.bytes_total),
          get(s.started_at_ms), get(s.finished_at_ms), get(s.damaged_records), get(s.damaged_places)};
}

void Core::stop_scrub() noexcept {
  scrubbing_.stop.store(true, std::memory_order_release);
  const std::lock_guard lock(mutex_);
  if (!finished_) device_->wake();
}

void Core::start_scrub(ReadOp& op) noexcept {
  Scrubbing& s = scrubbing_;
  s.op = &op;
  s.bytes_per_second = op.scrub_rate;
  s.areas.clear();
  for (std::uint32_t copy = 0; copy < kSuperblockCopies; ++copy) {
    const std::uint64_t begin = copy * kSuperblockStride;
    s.areas.push_back({Area::Kind::kSuperblock, copy, 0, begin, begin + kBlockBytes});
  }
  const std::uint32_t per_segment = segments_->usable_bytes() / kPageBytes;
  std::uint64_t pages = checkpoint_.current_pages;
  for (const std::uint32_t segment : checkpoint_.current) {
    const std::uint64_t here = std::min<std::uint64_t>(pages, per_segment);
    const std::uint64_t begin = segments_->begin_of(segment);
    s.areas.push_back({Area::Kind::kPages, segment, (*segments_)[segment].life, begin, begin + here * kPageBytes});
    pages -= here;
  }
  for (std::uint32_t i = 0; i < segments_->count(); ++i) {
    const SegmentState state = (*segments_)[i].state;
    const bool active = has_active_ && i == active_;
    if (state != SegmentState::kFull && state != SegmentState::kEmptying && !active) continue;
    // What lies behind the log's end may be written at any time.
    const std::uint64_t end = active ? position_ : segments_->usable_end(i) + kBlockBytes;
    s.areas.push_back({Area::Kind::kLog, i, (*segments_)[i].life, segments_->begin_of(i), end});
  }
  std::uint64_t total = 0;
  for (const Area& area : s.areas) total += area.end - area.begin;
  s.bytes_total.store(total, std::memory_order_relaxed);
  s.bytes_done.store(0, std::memory_order_relaxed);
  s.damaged_records.store(0, std::memory_order_relaxed);
  s.damaged_places.store(0, std::memory_order_relaxed);
  s.started_at_ms.store(now_ms(), std::memory_order_relaxed);
  s.due = now();
  s.next = 0;
  begin_scrub_area();
}

void Core::begin_scrub_area() noexcept {
  Scrubbing& s = scrubbing_;
  s.filled = 0;
  s.wanted = 0;
  s.careful_to = 0;
  s.last_group = 0;
  s.sealed_at = 0;
  s.position = s.read_to = s.next < s.areas.size() ? s.areas[s.next].begin : 0;
}

// Milliseconds until the next window may be read; negative: there is nothing to wait for.
int Core::scrub_wait() noexcept {
  const Scrubbing& s = scrubbing_;
  if (s.op == nullptr || s.reading || !suspects_.none()) return -1;
  const Clock::time_point due = reads_in_flight_ > 0 ? s.due + kPatience : s.due;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - now());
  return std::max(0, static_cast<int>(left.count()));
}

void Core::pump_scrub() noexcept {
  Scrubbing& s = scrubbing_;
  if (s.op == nullptr || s.reading) return;
  if (failed()) {
    finish_scrub(Status(Reason::kDeviceFailed, "the engine has stopped after a device failure"));
    return;
  }
  // Segments given back meanwhile hold nothing of what was there.
  while (s.next < s.areas.size() && !scrub_area_stands(s.areas[s.next])) leave_scrub_area();
  const bool stopped = draining_ || s.stop.load(std::memory_order_acquire);
  if (stopped || s.next == s.areas.size()) {
    if (!stopped && !suspects_.none()) return;
    if (!stopped) s.finished_at_ms.store(now_ms(), std::memory_order_relaxed);
    s.op->more = stopped;
    finish_scrub(Status());
    return;
  }
  if (suspects_.none() && scrub_wait() == 0) read_scrub_window();
}

void Core::finish_scrub(Status status) noexcept {
  Scrubbing& s = scrubbing_;
  ReadOp* op = std::exchange(s.op, nullptr);
  s.buffer = base::AlignedBuffer();
  s.running.store(false, std::memory_order_release);
  finish_get(*op, status, nullptr);
}

bool Core::scrub_area_stands(const Scrubbing::Area& area) noexcept {
  if (area.kind == Area::Kind::kSuperblock) return true;
  const Segment& segment = (*segments_)[area.segment];
  if (segment.life != area.life) return false;
  if (area.kind == Area::Kind::kPages) return segment.state == SegmentState::kCheckpoint;
  return segment.state == SegmentState::kFull || segment.state == SegmentState::kEmptying ||
         segment.state == SegmentState::kActive;
}

void Core::leave_scrub_area() noexcept {
  const Scrubbing::Area& area = scrubbing_.areas[scrubbing_.next];
  add(scrubbing_.bytes_done, area.end - scrubbing_.read_to);
  ++scrubbing_.next;
  begin_scrub_area();
}

void Core::read_scrub_window() noexcept {
  Scrubbing& s = scrubbing_;
  const Area& area = s.areas[s.next];
  const std::uint64_t most = s.read_to < s.careful_to ? kBlockBytes : kWindowBytes;
  const auto length = static_cast<std::uint32_t>(std::min(most, area.end - s.read_to));
  const std::size_t needed = std::max<std::size_t>({std::size_t{s.filled} + length, s.wanted, kWindowBytes});
  if (s.buffer.size() < needed) {
    base::AlignedBuffer larger(needed);
    if (s.filled > 0) std::memcpy(larger.data(), s.buffer.data(), s.filled);
    s.buffer = std::move(larger);
  }
  s.due = std::max(s.due, now() - kBurst) +
          std::chrono::nanoseconds(static_cast<std::uint64_t>(1e9 * length / static_cast<double>(s.bytes_per_second)));
  s.reading = true;
  s.io.owner = this;
  start_io(s.io, IoKind::kRead, s.read_to, length, s.buffer.data() + s.filled,
           [](IoRequest& request) { static_cast<Core*>(request.owner)->finish_scrub_window(); });
}

void Core::finish_scrub_window() noexcept {
  Scrubbing& s = scrubbing_;
  s.reading = false;
  const Area area = s.areas[s.next];
  if (s.io.error != 0 && s.io.length > kBlockBytes) {
    s.careful_to = s.read_to + s.io.length;
    return;
  }
  // Bytes no checksum accepts.
  if (s.io.error != 0) std::memset(s.io.buffer, 0xdb, s.io.length);
  s.filled += s.io.length;
  s.read_to += s.io.length;
  add(s.bytes_done, s.io.length);
  if (!scrub_area_stands(area)) return;
  std::uint32_t used = 0;
  switch (area.kind) {
    case Area::Kind::kSuperblock:
      used = check_superblock(area);
      break;
    case Area::Kind::kPages:
      used = check_pages(area);
      break;
    case Area::Kind::kLog:
      used = check_frames(area);
      break;
  }
  s.position += used;
  s.filled -= used;
  if (s.filled > 0 && used > 0) std::memmove(s.buffer.data(), s.buffer.data() + used, s.filled);
  if (s.read_to == area.end) leave_scrub_area();
}

std::uint32_t Core::check_superblock(const Scrubbing::Area& area) noexcept {
  Superblock found;
  const base::Bytes block = scrubbing_.buffer.bytes().first(kBlockBytes);
  if (decode_superblock(block, area.segment, found) != SuperblockState::kValid ||
      found.generation != superblock_.generation) {
    add(scrubbing_.damaged_places, 1);
  }
  return kBlockBytes;
}

std::uint32_t Core::check_pages(const Scrubbing::Area& area) noexcept {
  Scrubbing& s = scrubbing_;
  std::uint32_t at = 0;
  for (; at + kPageBytes <= s.filled; at += kPageBytes) {
    Frame frame;
    const base::Bytes page = s.buffer.bytes().subspan(at, kPageBytes);
    if (!decode_page(page, s.position + at, salt_, frame) || frame.life != area.life) add(s.damaged_places, 1);
  }
  return at;
}

void Core::suspect_place(std::uint64_t begin, std::uint64_t end) noexcept {
  const std::vector<Suspects::Span>& fresh = suspects_.fresh;
  if (fresh.empty() || fresh.back().end != begin) add(scrubbing_.damaged_places, 1);
  suspect(begin, end, DamageSource::kScrub);
}

// Looks at every frame that lies whole in the buffer, and returns how far it came.
std::uint32_t Core::check_frames(const Scrubbing::Area& area) noexcept {
  Scrubbing& s = scrubbing_;
  const std::uint64_t seed = segments_->seed_of(area.segment);
  std::uint32_t at = 0;
  while (at < s.filled) {
    const std::uint64_t address = s.position + at;
    const base::Bytes rest = s.buffer.bytes().subspan(at, s.filled - at);
    Frame frame;
    std::uint32_t crc = 0;
    const bool whole = decode_frame(rest, address, salt_, frame, crc) && frame.life == area.life &&
                       address + frame.length <= area.end &&
                       (holds_records(frame.kind) || frame.kind == FrameKind::kSeal);
    if (s.sealed_at != 0) {
      if (!whole || frame.group <= s.last_group) {
        at += kBlockBytes;
        continue;
      }
      // The log went on behind this seal: the group that was written over it is not there.
      suspect_place(std::exchange(s.sealed_at, 0), address);
    } else if (!whole) {
      suspect_place(address, address + kBlockBytes);
      at += kBlockBytes;
      continue;
    }
    if (frame.length > rest.size()) {
      s.wanted = frame.length;
      return at;
    }
    s.last_group = frame.group;
    if (frame.kind == FrameKind::kSeal) {
      if (!all_zero(rest.subspan(kGroupHeaderBytes, kBlockBytes - kGroupHeaderBytes))) add(s.damaged_places, 1);
      s.sealed_at = address;
    } else if (!sound_group(frame, rest.first(frame.length), address, seed)) {
      suspect_place(address, address + frame.length);
    }
    at += frame.length;
  }
  s.wanted = 0;
  return at;
}

}  // namespace ferrite::engine::internal
