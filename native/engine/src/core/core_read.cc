// The read path: gets and scan pages, read straight into the memory that is leased to the caller.
#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "core/core.h"

namespace ferrite::engine::internal {
namespace {

using base::Reason;
using base::Status;

// A page never asks for more device memory than this, unless one record alone does.
constexpr std::uint64_t kPageBytesMax = 16U << 20U;

// Keys with equal hashes share a page; a hostile number of them is refused.
constexpr std::uint64_t kRunBytesMax = 64U << 20U;

constexpr std::uint64_t block_of(std::uint64_t address) noexcept { return address / kBlockBytes * kBlockBytes; }

// Bytes to read for a record, or for its head and key only.
constexpr std::uint32_t span_bytes(Location location, bool values) noexcept {
  const std::uint32_t wanted =
      values ? location.bytes() : std::min(location.bytes(), kRecordHeadBytes + kKeyBytesMax);
  return static_cast<std::uint32_t>(base::round_up<std::uint64_t>(location.address() + wanted, kBlockBytes) -
                                    block_of(location.address()));
}

}  // namespace

void Core::start_read(ReadOp& op) noexcept {
  if (failed()) {
    finish_get(op, Status(Reason::kDeviceFailed, "the engine has stopped after a device failure"), nullptr);
    return;
  }
  switch (op.kind) {
    case OpKind::kGet:
      start_get(op);
      break;
    case OpKind::kScan:
      if (op.walk != nullptr) {
        start_walk(op);
      } else {
        start_scan(op);
      }
      break;
    case OpKind::kScrub:
      start_scrub(op);
      break;
    default:
      finish_get(op, Status(), nullptr);
      break;
  }
}

// Ends any read, and a flush.
void Core::finish_get(ReadOp& op, Status status, std::unique_ptr<ReadBuffer> buffer) noexcept {
  unpin(op);
  Completion completion;
  completion.tag = op.tag;
  completion.kind = op.kind;
  completion.status = status;
  completion.more = op.more;
  completion.damaged = op.damaged;
  if (buffer != nullptr) completion.records = RecordBatch(std::move(buffer));
  if (op.walk != nullptr) completion.walk = std::move(op.walk->page);
  deliver(op.client, std::move(completion), observer_.read_clock() - op.begun_ns);
  release_op(op);
}

void Core::release_op(ReadOp& op) noexcept {
  op.buffer.reset();
  op.walk.reset();
  const std::lock_guard lock(mutex_);
  free_ops_.push(&op);
}

// Space is not given to the log again while a read may still look at it.
void Core::unpin(ReadOp& op) noexcept {
  if (!op.pinned) return;
  op.pinned = false;
  for (const ReadOp::Part& part : op.parts) --segments_->at(part.location.address()).readers;
}

void Core::start_get(ReadOp& op) noexcept {
  if (!op.pinned) {
    add(counters_.gets, 1);
    const std::size_t count = find_candidates(op.keyspace, op.hash);
    op.parts.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      op.parts[i].op = &op;
      op.parts[i].location = candidates_[i];
      ++segments_->at(candidates_[i].address()).readers;
    }
    op.pinned = true;
    op.next_part = 0;
    op.unreadable = false;
  }
  read_candidate(op);
}

void Core::read_candidate(ReadOp& op) noexcept {
  if (op.next_part == op.parts.size()) {
    if (op.unreadable) {
      add(counters_.checksum_failures, 1);
      report_damage(op.keyspace, op.hash, op.key(), DamageSource::kRead);
    }
    finish_get(op, op.unreadable ? Status(Reason::kChecksumMismatch, "the stored record cannot be read back whole")
                                 : Status(),
               nullptr);
    return;
  }
  ReadOp::Part& part = op.parts[op.next_part];
  const std::uint32_t bytes = span_bytes(part.location, true);
  op.buffer = buffers_->acquire(bytes);
  if (op.buffer == nullptr) {
    starved_.push(&op);
    return;
  }
  ++reads_in_flight_;
  part.io.owner = &part;
  start_io(part.io, IoKind::kRead, block_of(part.location.address()), bytes, op.buffer->memory.data(),
           [](IoRequest& request) {
             auto* finished = static_cast<ReadOp::Part*>(request.owner);
             finished->op->core->finish_candidate(*finished->op);
           });
}

void Core::finish_candidate(ReadOp& op) noexcept {
  --reads_in_flight_;
  const ReadOp::Part& part = op.parts[op.next_part];
  const std::uint64_t address = part.location.address();
  const auto offset = static_cast<std::uint32_t>(address % kBlockBytes);
  const base::Bytes read = op.buffer->memory.bytes().first(part.io.length).subspan(offset);
  RecordHead head;
  base::Bytes key;
  base::Bytes value;
  if (part.io.error != 0 || !decode_record_head(read, address, segments_->seed_at(address), head, key)) {
    op.unreadable = true;
  } else if (head.keyspace == op.keyspace && key.size() == op.key_length &&
             std::memcmp(key.data(), op.key_bytes.data(), key.size()) == 0) {
    if (passed(head)) {
      finish_get(op, Status(), nullptr);
      return;
    }
    if (!decode_record_value(read, head, value)) {
      op.unreadable = true;
      op.next_part = op.parts.size();
      op.buffer.reset();
      read_candidate(op);
      return;
    }
    witness_->remember(part.location, key);
    op.buffer->offsets.push_back(offset);
    op.buffer->with_values = true;
    finish_get(op, Status(), std::move(op.buffer));
    return;
  }
  ++op.next_part;
  op.buffer.reset();
  read_candidate(op);
}

void Core::start_scan(ReadOp& op) noexcept {
  if (!op.pinned) {
    if (op.parts.empty()) add(counters_.scans, 1);
    if (!plan_scan(op)) {
      op.more = false;
      finish_get(op, Status(), nullptr);
      return;
    }
  }
  std::uint64_t total = 0;
  for (ReadOp::Part& part : op.parts) {
    part.offset = static_cast<std::uint32_t>(total + part.location.address() % kBlockBytes);
    total += span_bytes(part.location, op.values);
  }
  if (total > kRunBytesMax) {
    op.more = false;
    finish_get(op, Status(Reason::kOverloaded, "too many keys share one hash for a page of this scan"), nullptr);
    return;
  }
  op.buffer = buffers_->acquire(total);
  if (op.buffer == nullptr) {
    starved_.push(&op);
    return;
  }
  op.buffer->with_values = op.values;
  op.next_part = 0;
  op.reading = 0;
  pump_scan(op);
}

// Chooses the page's records from the index; false when none is left. Keys with equal hashes stay on one page, because
// their order is known only once they are read.
bool Core::plan_scan(ReadOp& op) noexcept {
  op.parts.clear();
  op.more = false;
  scan_entries_.resize(std::size_t{op.max_records} + 2);
  std::uint64_t from = op.hash;
  std::uint64_t bytes = 0;
  std::uint64_t device_bytes = 0;
  std::uint32_t fresh = 0;
  for (;;) {
    const std::size_t count = index_->collect(op.keyspace, op.partition, from, scan_entries_);
    // Equal hashes filling the whole look-ahead: look further, they belong together.
    if (count == scan_entries_.size() && scan_entries_.front().hash == scan_entries_.back().hash) {
      scan_entries_.resize(scan_entries_.size() * 2);
      continue;
    }
    for (std::size_t i = 0; i < count; ++i) {
      const IndexEntry& entry = scan_entries_[i];
      const bool again = op.key_length > 0 && entry.hash == op.hash;
      const bool joined = !op.parts.empty() && op.parts.back().hash == entry.hash;
      const std::uint32_t record = op.values ? entry.location.bytes()
                                             : std::min(entry.location.bytes(), kRecordHeadBytes + kKeyBytesMax);
      if (!again && !joined && fresh > 0 &&
          (fresh >= op.max_records || bytes + record > op.max_bytes ||
           device_bytes + span_bytes(entry.location, op.values) > kPageBytesMax)) {
        op.more = true;
        break;
      }
      ReadOp::Part& part = op.parts.emplace_back();
      part.op = &op;
      part.hash = entry.hash;
      part.location = entry.location;
      part.sound = false;
      if (!again) {
        ++fresh;
        bytes += record;
      }
      device_bytes += span_bytes(entry.location, op.values);
    }
    if (op.more || count < scan_entries_.size()) break;
    // The look-ahead ended inside the page; its last hash may go on.
    const std::uint64_t last = scan_entries_.back().hash;
    while (!op.parts.empty() && op.parts.back().hash == last) {
      const bool again = op.key_length > 0 && last == op.hash;
      if (!again) --fresh;
      op.parts.pop_back();
    }
    from = last;
    if (fresh >= op.max_records) {
      op.more = true;
      break;
    }
  }
  for (const ReadOp::Part& part : op.parts) ++segments_->at(part.location.address()).readers;
  op.pinned = !op.parts.empty();
  return op.pinned;
}

void Core::pump_scan(ReadOp& op) noexcept {
  while (op.next_part < op.parts.size() && op.reading < kScanWindow) {
    ReadOp::Part& part = op.parts[op.next_part++];
    ++op.reading;
    ++reads_in_flight_;
    part.io.owner = &part;
    const std::uint64_t address = part.location.address();
    start_io(part.io, IoKind::kRead, block_of(address), span_bytes(part.location, op.values),
             op.buffer->memory.data() + (part.offset - address % kBlockBytes), [](IoRequest& request) {
               static_cast<ReadOp::Part*>(request.owner)->op->core->finish_scan_read(request);
             });
  }
}

void Core::finish_scan_read(IoRequest& request) noexcept {
  auto& part = *static_cast<ReadOp::Part*>(request.owner);
  ReadOp& op = *part.op;
  --reads_in_flight_;
  --op.reading;
  RecordHead head;
  base::Bytes key;
  base::Bytes value;
  const std::uint64_t address = part.location.address();
  const base::Bytes read(request.buffer + address % kBlockBytes, request.length - address % kBlockBytes);
  part.sound = request.error == 0 && decode_record_head(read, address, segments_->seed_at(address), head, key) &&
               (!op.values || decode_record_value(read, head, value)) && !(part.location.damaged() && !op.values);
  if (op.next_part < op.parts.size()) {
    pump_scan(op);
  } else if (op.reading == 0) {
    finish_scan(op);
  }
}

void Core::finish_scan(ReadOp& op) noexcept {
  if (op.walk != nullptr) {
    finish_walk(op);
    return;
  }
  const std::uint8_t* memory = op.buffer->memory.data();
  const auto key_at = [memory](std::uint32_t offset) {
    const std::uint8_t* record = memory + offset;
    return base::Bytes(record + kRecordHeadBytes, trusted_record_head(record).key_bytes);
  };
  const auto before = [](base::Bytes a, base::Bytes b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
  };
  std::vector<std::uint32_t>& offsets = op.buffer->offsets;
  std::size_t run = 0;  // first offset of the current hash
  std::uint64_t hash = 0;
  for (const ReadOp::Part& part : op.parts) {
    if (!part.sound) {
      ++op.damaged;
      add(counters_.checksum_failures, 1);
      report_part(op.keyspace, op, part);
      continue;
    }
    if (passed(trusted_record_head(memory + part.offset))) continue;
    const base::Bytes key = key_at(part.offset);
    if (op.key_length > 0 && part.hash == op.hash && !before(op.key(), key)) continue;
    if (offsets.empty() || part.hash != hash) run = offsets.size();
    hash = part.hash;
    const auto place = std::find_if(offsets.begin() + static_cast<std::ptrdiff_t>(run), offsets.end(),
                                    [&](std::uint32_t other) { return before(key, key_at(other)); });
    offsets.insert(place, part.offset);
  }
  if (offsets.empty() && op.more) {
    // Nothing readable on this page, but more behind it: go on, so that a caller always gets further.
    const std::uint64_t last = op.parts.back().hash;
    unpin(op);
    op.buffer.reset();
    op.key_length = 0;
    op.hash = last + 1;
    start_scan(op);
    return;
  }
  finish_get(op, Status(), std::move(op.buffer));
}

}  // namespace ferrite::engine::internal
