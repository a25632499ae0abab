// Opening and closing: format or replay, and the superblocks around both.
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>
#include <optional>

#include "base/check.h"
#include "core/core.h"
#include "device/image_file.h"
#include "device/memory_device.h"
#include "device/pool_device.h"
#include "device/spdk_device.h"
#include "device/sync_io.h"
#include "device/uring_device.h"

namespace ferrite::engine::internal {
namespace {

using base::Reason;
using base::Status;

constexpr std::uint64_t kReadBudget = 64U << 20U;
constexpr std::uint32_t kGroupBytesMax = 1U << 20U;
constexpr std::uint32_t kArenaBytes = 64U << 20U;
constexpr std::uint32_t kSegmentsWanted = 7;

Status draw(void* to, std::size_t bytes) noexcept {
  return ::getrandom(to, bytes, 0) == static_cast<ssize_t>(bytes)
             ? Status()
             : Status(Reason::kInternal, "the system gives no random bytes", errno);
}

// Small devices get smaller segments, so that there are always several.
std::uint32_t fitting_segment_bytes(std::uint64_t size) noexcept {
  std::uint32_t bytes = kSegmentBytesDefault;
  while (bytes > kSegmentBytesMin && (size - kDataOffset) / bytes < kSegmentsWanted) bytes /= 2;
  return bytes;
}

}  // namespace

base::Result<std::shared_ptr<Core>> Core::open(const OpenOptions& options) {
  if (options.partition_bits > kPartitionBitsMax) {
    return Status(Reason::kConfigInvalid, "partition_bits is at most 16");
  }
  if (options.segment_bytes != 0 &&
      (options.segment_bytes % kBlockBytes != 0 || options.segment_bytes < kSegmentBytesMin ||
       options.segment_bytes > kSegmentBytesMax)) {
    return Status(Reason::kConfigInvalid, "segment_bytes is a multiple of 4096 from 64 KiB to 256 MiB");
  }
  auto core = std::make_shared<Core>(options);
  // The reactor's own thread opens the device: io_uring belongs to the thread that made it.
  std::promise<Status> opened;
  std::future<Status> result = opened.get_future();
  core->thread_ = std::thread([raw = core.get(), &opened] {
    const Status status = raw->open_device();
    opened.set_value(status);
    if (status.ok()) raw->run();
    raw->device_.reset();
  });
  const Status status = result.get();
  if (!status.ok()) {
    core->thread_.join();
    return status;
  }
  return core;
}

Status Core::open_device() {
  if (options_.device == "memory:") {
    if (options_.size_bytes > 1ULL << 40U) return Status(Reason::kConfigInvalid, "memory: is limited to 1 TiB");
    const std::uint64_t size = options_.size_bytes / kBlockBytes * kBlockBytes;
    return attach(std::make_unique<MemoryDevice>(std::make_shared<base::AlignedBuffer>(size)), true);
  }
  if (options_.device.starts_with(kSpdkPrefix)) {
    base::Result<std::unique_ptr<BlockDevice>> spdk = open_spdk_device(options_);
    return spdk.ok() ? attach_durable(std::move(spdk).value(), false) : spdk.status();
  }
  base::Result<ImageFile> image = ImageFile::open(options_);
  if (!image.ok()) return image.status();
  const bool fresh = image.value().fresh();
  if (options_.driver != Driver::kPool) {
    base::Result<std::unique_ptr<BlockDevice>> uring = open_uring_device(image.value());
    if (uring.ok()) return attach_durable(std::move(uring).value(), fresh);
    if (options_.driver == Driver::kUring) {
      return Status(Reason::kConfigInvalid, "the kernel refuses io_uring: choose the driver auto or pool",
                    uring.status().system_error());
    }
    report_.driver_fallback_reason = probe_uring().reason;
  }
  return attach_durable(std::make_unique<PoolDevice>(std::move(image).value()), fresh);
}

// Before anything is written to it.
Status Core::attach_durable(std::unique_ptr<BlockDevice> device, bool fresh) {
  const DurabilityContract contract = device->durability();
  if (!contract.device_durable && !options_.allow_volatile) {
    return Status(Reason::kDeviceNotDurable, contract.statement);
  }
  return attach(std::move(device), fresh);
}

Status Core::attach(std::unique_ptr<BlockDevice> device, bool fresh) {
  const Clock::time_point start = Clock::now();
  device_ = std::move(device);
  buffers_ = std::make_shared<ReadBufferPool>(
      kReadBudget, [](void* context) { static_cast<BlockDevice*>(context)->wake(); }, device_.get());
  bool format = false;
  if (const Status status = read_superblocks(fresh, format); !status.ok()) return status;
  if (format) {
    if (const Status status = format_image(); !status.ok()) return status;
  }
  salt_ = image_salt(superblock_);
  std::uint64_t seed = 0;
  if (const Status status = draw(&seed, sizeof seed); !status.ok()) return status;
  index_ = std::make_unique<Index>(superblock_.partition_bits);
  segments_ = std::make_unique<SegmentTable>(superblock_);
  for (std::uint32_t i = 0; i < segments_->count(); ++i) (*segments_)[i].expiring.since_ms = expiry_.now_ms();
  witness_ = std::make_unique<KeyWitness>(
      std::clamp<std::uint64_t>(superblock_.device_bytes / 1024, 1U << 10U, 1U << 22U), seed);
  ReplayResult replayed;
  if (!format) replayed = Replay(*device_, superblock_, *index_, *segments_, *witness_).run();
  set_up(replayed);
  report_.created = format;
  report_.clean = format || superblock_.clean;
  report_.tail = replayed.tail;
  report_.damaged = replayed.damaged;
  for (const Damage& damage : report_.damaged) damage_.add({damage.keyspace, damage.partition, {}, damage.reason, DamageSource::kOpen});
  report_.salvaged += replayed.salvaged;
  report_.from_checkpoint = replayed.checkpoint > 0;
  report_.replayed_records = replayed.replayed_records;
  report_.replayed_bytes = replayed.replayed_bytes;
  superblock_.clean = false;
  ++superblock_.boot_count;
  if (const Status status = write_superblocks(); !status.ok()) return status;
  if (const Status status = prepare_first_segment(); !status.ok()) return status;
  if (const Status status = restore_tail(replayed.tail_records); !status.ok()) return status;
  report_.device_kind = device_->kind();
  report_.durability = device_->durability().statement;
  report_.device_durable = device_->durability().device_durable;
  std::memcpy(report_.image_id, superblock_.image_id.data(), sizeof report_.image_id);
  report_.boot_count = superblock_.boot_count;
  report_.size_bytes = superblock_.device_bytes;
  report_.segment_bytes = superblock_.segment_bytes;
  report_.partition_bits = superblock_.partition_bits;
  report_.record_count = index_->size();
  report_.record_bytes = counters_.record_bytes.load(std::memory_order_relaxed);
  report_.next_sequence = next_sequence_;
  report_.replay_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count());
  return Status();
}

Status Core::read_superblocks(bool fresh, bool& format) {
  format = false;
  if (device_->size_bytes() < kDataOffset) {
    return fresh ? Status(Reason::kConfigInvalid, "the size of a new image is too small")
                 : Status(Reason::kDeviceTruncated, "the device is too small to hold an image");
  }
  bool valid = false;
  bool damaged = false;
  bool newer = false;
  bool foreign = false;
  for (std::uint32_t copy = 0; copy < kSuperblockCopies; ++copy) {
    Superblock found;
    if (run_io(*device_, IoKind::kRead, copy * kSuperblockStride, superblock_buffer_.bytes()) != 0) {
      damaged = true;
      continue;
    }
    switch (decode_superblock(superblock_buffer_.bytes(), copy, found)) {
      case SuperblockState::kValid:
        if (!valid || found.generation > superblock_.generation) superblock_ = found;
        valid = true;
        break;
      case SuperblockState::kNewer:
        newer = true;
        break;
      case SuperblockState::kDamaged:
        damaged = true;
        break;
      case SuperblockState::kForeign:
        foreign = foreign || !all_zero(superblock_buffer_.bytes());
        break;
    }
  }
  if (newer) return Status(Reason::kFormatUnknown, "the image was written by a newer version of Ferrite");
  if (valid) {
    if (damaged || foreign) ++report_.salvaged;  // the other copy serves, and is written again below
    if (superblock_.device_bytes > device_->size_bytes()) {
      return Status(Reason::kDeviceTruncated, "the device is smaller than the image on it");
    }
    if (superblock_.partition_bits != options_.partition_bits) {
      return Status(Reason::kConfigInvalid, "the image was formatted with another partition_bits");
    }
    return Status();
  }
  if (damaged) return Status(Reason::kChecksumMismatch, "both superblocks of the image are damaged");
  bool blank = true;
  if (!foreign && !fresh) {
    if (const Status status = all_blank(blank); !status.ok()) return status;
  }
  if (foreign || !blank) {
    return Status(Reason::kFormatUnknown, "the device holds something that is not a Ferrite image");
  }
  if (!options_.create_if_missing) return Status(Reason::kFormatUnknown, "the device holds no image");
  format = true;
  return Status();
}

Status Core::all_blank(bool& blank) noexcept {
  base::AlignedBuffer buffer(1U << 20U);
  blank = true;
  for (std::uint64_t at = 0; at < device_->size_bytes() && blank; at += buffer.size()) {
    const std::size_t bytes = std::min<std::uint64_t>(buffer.size(), device_->size_bytes() - at);
    const int error = run_io(*device_, IoKind::kRead, at, buffer.bytes().first(bytes));
    if (error != 0) return Status(Reason::kDeviceFailed, "the device cannot be read", error);
    blank = all_zero(buffer.bytes().first(bytes));
  }
  return Status();
}

Status Core::format_image() {
  Superblock fresh;
  if (const Status status = draw(fresh.image_id.data(), fresh.image_id.size()); !status.ok()) return status;
  fresh.device_bytes = device_->size_bytes();
  fresh.segment_bytes =
      options_.segment_bytes != 0 ? options_.segment_bytes : fitting_segment_bytes(fresh.device_bytes);
  const std::uint64_t segments = (fresh.device_bytes - kDataOffset) / fresh.segment_bytes;
  if (segments < kSegmentsMin || segments > ~std::uint32_t{0}) {
    return Status(Reason::kConfigInvalid, "the device holds fewer than four segments");
  }
  fresh.segment_count = static_cast<std::uint32_t>(segments);
  fresh.partition_bits = static_cast<std::uint8_t>(options_.partition_bits);
  superblock_ = fresh;
  return Status();
}

// Both copies, one durably after the other: whatever is cut short, one whole copy of the old or new state remains.
Status Core::write_superblocks() noexcept {
  ++superblock_.generation;
  for (std::uint32_t i = 0; i < kSuperblockCopies; ++i) {
    const auto copy = static_cast<std::uint32_t>((superblock_.generation + i) % kSuperblockCopies);
    encode_superblock(superblock_, copy, superblock_buffer_.bytes());
    const int error =
        run_io(*device_, IoKind::kWriteDurable, copy * kSuperblockStride, superblock_buffer_.bytes());
    if (error != 0) return Status(Reason::kDeviceFailed, "a superblock cannot be written", error);
  }
  return Status();
}

void Core::set_up(const ReplayResult& replayed) {
  const LogEnd& end = replayed.end;
  last_ = end.last;
  life_ = end.life;
  sealed_ = end.sealed;
  applied_sequence_ = end.next_sequence - 1;
  next_sequence_ = end.next_sequence;
  ambiguous_ = replayed.tail == Tail::kAmbiguous;
  checkpoint_number_ = replayed.highest_checkpoint;
  checkpoint_.current = replayed.checkpoint_segments;
  checkpoint_.current_pages = replayed.checkpoint_pages;
  checkpoint_.records_since = replayed.replayed_records;
  checkpoint_.bytes_since = replayed.replayed_bytes;
  segments_->hold(static_cast<std::int32_t>(checkpoint_.current.size()));
  for (std::uint32_t i = 0; i < segments_->count(); ++i) {
    if ((*segments_)[i].state == SegmentState::kActive) {
      has_active_ = true;
      active_ = i;
      position_ = end.position;
    }
  }
  // A segment of an older version takes no frames of this one: the log goes on in another.
  leave_active_ = has_active_ && (*segments_)[active_].version != kFrameVersion;
  const std::uint32_t usable = segments_->usable_bytes();
  const std::uint32_t overhead = kGroupHeaderBytes + kRecordHeadBytes + kKeyBytesMax + kRecordAlignment;
  value_bytes_max_ = std::min(kValueBytesMax, segments_->capacity().largest_record() - overhead);
  candidates_.resize(8);
  // The largest record, twice, and the block that tells a full arena from an empty one.
  const std::uint32_t largest = base::round_up(value_bytes_max_ + overhead, kBlockBytes);
  const auto arena = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(kArenaBytes, std::max<std::uint64_t>(superblock_.device_bytes / 4, 2ULL * largest + 8 * kBlockBytes)));
  intake_ = std::make_unique<Intake>(arena, std::min(kGroupBytesMax, usable), kWrites);
  for (std::uint32_t i = 0; i < segments_->count(); ++i) {
    Segment& segment = (*segments_)[i];
    promised_ += segment.live_charge + segment.removal_charge;
    segment.written = !device_->allocates_on_write() || segment.life > 0;
  }
  counters_.records.store(index_->size());
  counters_.record_bytes.store(replayed.record_bytes);
  counters_.segments_free.store(segments_->free_count());
  counters_.index_bytes.store(index_->memory_bytes());
  note_space();
}

// Takes a record on as if it were new (under mutex_); returns its bytes.
std::uint32_t Core::stage_again(const std::uint8_t* record) noexcept {
  RecordHead head = trusted_record_head(record);
  const std::uint32_t bytes = record_bytes(head.key_bytes, head.value_bytes);
  const base::Bytes key(record + kRecordHeadBytes, head.key_bytes);
  const Intake::Ticket ticket = intake_->stage(bytes);
  head.sequence = next_sequence_++;
  head.boot = static_cast<std::uint32_t>(superblock_.boot_count);
  StagedWrite& write = *ticket.write;
  write.client = nullptr;
  const bool drop = head.kind == RecordKind::kDrop;
  write.hash = drop ? first_hash_of(head.partition, superblock_.partition_bits) : key_hash(key);
  write.sequence = head.sequence;
  write.keyspace = head.keyspace;
  write.kind = head.kind;
  pending_.accepted(write);
  promised_ += segments_->capacity().charge(bytes);
  place_record(head, key, {key.data() + key.size(), head.value_bytes}, ticket.place);
  Intake::commit(*ticket.group, 1);
  return bytes;
}

// Whole records behind the last good group belong to a write that was cut short or damaged. They are written again as
// the group that follows, so that the log has no hole; whether others are missing nobody can say (P17).
Status Core::restore_tail(const std::vector<std::uint8_t>& records) {
  restoring_ = true;
  for (std::size_t at = 0; at < records.size();) {
    // A batch stays one.
    std::size_t end = at;
    std::uint32_t count = 0;
    for (bool more = true; more; ++count) {
      const RecordHead head = trusted_record_head(records.data() + end);
      end += record_bytes(head.key_bytes, head.value_bytes);
      more = (head.flags & kBatchGoesOn) != 0;
    }
    std::unique_lock lock(mutex_);
    if (!intake_->reserve(count, static_cast<std::uint32_t>(end - at))) {
      lock.unlock();
      if (failed()) break;
      step(false);
      continue;
    }
    while (at < end) at += stage_again(records.data() + at);
  }
  while (!idle()) step(false);
  restoring_ = false;
  return failed() ? Status(Reason::kDeviceFailed, "the end of the log cannot be written again") : Status();
}

void Core::begin_close() noexcept {
  const std::lock_guard lock(mutex_);
  closing_ = true;
  if (device_ == nullptr || finished_) return;
  device_->wake();
  turns_.end_rest();
}

// The reactor's last turn.
void Core::finish_close() noexcept {
  Status status;
  if (failed()) {
    status = Status(Reason::kDeviceFailed, "the engine had stopped after a device failure");
  } else if (!ambiguous_) {
    // An ambiguous end stays so until something is written behind it.
    superblock_.clean = true;
    superblock_.end_group = last_.group;
    superblock_.end_address = position_;
    superblock_.end_crc = last_.crc;
    superblock_.end_sequence = next_sequence_;
    status = write_superblocks();
  }
  buffers_->detach();
  observer_.block()->stop_sharing();
  const std::lock_guard lock(mutex_);
  close_status_ = status;
  finished_ = true;
}

Status Core::close() {
  const std::lock_guard lock(close_mutex_);
  if (closed_) return close_status_;
  closed_ = true;
  begin_close();
  if (thread_.joinable()) {
    thread_.join();
  } else {
    while (!finished_ && step(true)) {
    }
  }
  return close_status_;
}

}  // namespace ferrite::engine::internal
