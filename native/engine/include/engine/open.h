// What an engine is opened with, and what opening found. Threads: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/limits.h"

namespace ferrite::engine {

/// How a file or block device is driven. `kAuto`: io_uring, or the thread pool where the kernel refuses io_uring.
enum class Driver : std::uint8_t { kAuto, kUring, kPool };

enum class DeviceKind : std::uint8_t { kMemory, kUring, kPool, kSpdk };

/// How SPDK is set up. What concerns the whole process (memory) is taken from the first engine that asks for SPDK.
struct SpdkOptions {
  /// Path of an SPDK JSON configuration, or the configuration itself (it begins with `{`). Applied when the bdev asked
  /// for does not exist yet; empty: the bdev comes from an earlier configuration of this process.
  std::string config;
  /// Memory SPDK takes for itself, MiB; 512 is the least that works.
  std::uint32_t memory_mib = 768;
  /// Ordinary memory instead of huge pages (then no PCIe device); unset: when the system has no free huge pages.
  std::optional<bool> no_huge;
  /// A request that takes longer fails with ETIMEDOUT and the device is reset, milliseconds.
  std::uint32_t timeout_ms = 10'000;
};

struct OpenOptions {
  /// `file:PATH`, `block:PATH`, `spdk:BDEV` or `memory:`.
  std::string device;
  /// Size of a new image, bytes. An existing image keeps its own size. Block devices: 0 means the whole device.
  std::uint64_t size_bytes = 0;
  Driver driver = Driver::kAuto;
  /// Format a missing or all-zero file. Anything else is never formatted over.
  bool create_if_missing = true;
  /// Segment size of a new image, bytes, a multiple of 4096; 0: the default, less on small devices. Fixed at format time.
  std::uint32_t segment_bytes = 0;
  /// Partitions are the top bits of XXH64(key, 0). Fixed at format time; another value later is CONFIG_INVALID.
  std::uint32_t partition_bits = kPartitionBitsDefault;
  /// Records after which the index is written out, so that opening reads no more of the log than that; 0: half as many
  /// as there are keys, at least 262,144.
  std::uint64_t checkpoint_records = 0;
  /// After an operation threads poll that long before they sleep, microseconds: the next one is noticed without waking a
  /// processor, which costs more than the device on many machines, at the price of a busy one. 0: sleep at once.
  std::uint32_t poll_micros = 0;
  /// Open a device that cannot keep flushed data through a loss of power; `memory:` implies it. Otherwise such a device
  /// is refused with DEVICE_NOT_DURABLE.
  bool allow_volatile = false;
  /// Ends records whose `expires_at_ms` has passed by the system's clock: gets, scans and walks leave them out at once,
  /// compaction takes their space after kExpiryGraceMs. While open, the time used never goes back; what a clock that is
  /// set forward has ended and compaction removed stays removed. Off, the field is only data: in a cluster
  /// replication decides (PROTOCOL P16).
  bool expire = false;
  SpdkOptions spdk;
};

/// How the log ended (PROTOCOL P17).
enum class Tail : std::uint8_t {
  /// Closed cleanly, or the last group is followed by its seal: nothing acknowledged can be missing from the end.
  kSealed,
  /// The last group carries no seal: what follows it may be a torn write or a damaged acknowledged group.
  kAmbiguous,
};

/// Something acknowledged that can no longer be read. Unset fields are unknown: then any record may be concerned.
struct Damage {
  std::optional<std::uint32_t> keyspace;
  std::optional<std::uint32_t> partition;
  base::Reason reason = base::Reason::kChecksumMismatch;
};

struct OpenReport {
  bool created = false;
  /// The previous close was clean (true for a fresh image).
  bool clean = false;
  Tail tail = Tail::kSealed;
  DeviceKind device_kind = DeviceKind::kMemory;
  /// Why the thread pool was chosen under `Driver::kAuto`; empty otherwise.
  std::string driver_fallback_reason;
  /// What a flush means on this device, one sentence.
  std::string durability;
  /// Flushed data survives the loss of power, as far as the device can be asked.
  bool device_durable = false;
  /// Random identity of the image, drawn when it was formatted.
  std::uint8_t image_id[16] = {};
  /// Opens of this image so far, this one included; durable before `open` returns (P9).
  std::uint64_t boot_count = 0;
  std::uint64_t size_bytes = 0;
  std::uint32_t segment_bytes = 0;
  std::uint32_t partition_bits = 0;
  std::uint64_t record_count = 0;
  /// Log bytes of live records, headers included.
  std::uint64_t record_bytes = 0;
  /// Sequence the next accepted append or remove will get.
  std::uint64_t next_sequence = 0;
  std::uint64_t replay_ms = 0;
  /// An index checkpoint was used; only what came after it was read again.
  bool from_checkpoint = false;
  std::uint64_t replayed_records = 0;
  std::uint64_t replayed_bytes = 0;
  /// Damaged places from which every record could still be recovered.
  std::uint64_t salvaged = 0;
  std::vector<Damage> damaged;
};

}  // namespace ferrite::engine
