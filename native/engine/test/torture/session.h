// One boot of an engine under seeded traffic, checked against a model: every answer is what the model allows, or an
// error that is noted. Threads: one. The model outlives its sessions.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "core_driver.h"
#include "testing/seeded.h"
#include "torture/model.h"

namespace ferrite::engine::torture {

/// Of every image here.
inline constexpr std::uint32_t kPartitionBits = 2;

struct Traffic {
  std::uint64_t keys = 24;
  std::uint32_t keyspaces = 2;
  std::uint64_t writes_percent = 40;
  std::uint64_t removals_percent = 15;
  std::uint64_t batches_percent = 5;
  std::uint64_t drops_percent = 1;
  std::uint64_t reads_percent = 10;
  std::uint64_t value_bytes = 3000;
  std::uint64_t large_percent = 5;
  std::uint64_t large_bytes = 20000;
};

/// How an engine told of trouble.
struct Noticed {
  std::uint64_t read_errors = 0;
  std::uint64_t checksum_failures = 0;
  std::uint64_t salvaged = 0;
  bool damaged = false;
  bool ambiguous = false;
  bool stopped = false;

  [[nodiscard]] bool anything() const noexcept {
    return read_errors > 0 || checksum_failures > 0 || salvaged > 0 || damaged || ambiguous || stopped;
  }
};

class Session {
 public:
  Session(Model& model, std::uint64_t& tag, std::uint64_t seed, const Traffic& traffic, const OpenOptions& options)
      : model_(model), tag_(tag), random_(seed), traffic_(traffic), driver_(options) {}

  base::Status open(std::unique_ptr<BlockDevice> device, bool fresh);
  CoreDriver& driver() { return driver_; }
  /// Perhaps a write, perhaps a read, perhaps a pause, and one turn of the reactor.
  void turn();
  /// One write. False when it is refused: full, overloaded, or stopped.
  bool write(const std::string& key, std::uint32_t keyspace, Value value);
  /// A batch of three keys that lie together; the drop of one partition. Refusals as above.
  void write_batch(std::uint32_t keyspace);
  void drop_partition(std::uint32_t keyspace);
  /// A pass beside everything else, unless one is going on.
  void begin_scrub();
  /// A whole pass finds damage.
  [[nodiscard]] bool scrub_finds(std::uint64_t bytes_per_second);
  /// Takes the answers there are.
  void collect();
  /// Waits for all answers; ends the test when they do not come.
  void settle();
  base::Status close();
  /// Reads everything by key and by scan. Ends the test on a value the model does not allow, or, when excused, on one
  /// that was never written. `trusting`: the model takes over what is seen.
  void look(bool trusting);

  /// What was read while opening was not what the device holds, and the report said so: records may be missing or old.
  void excuse() noexcept { excused_ = true; }
  [[nodiscard]] Noticed noticed();
  /// Values that are gone or old, as reported.
  [[nodiscard]] std::uint64_t lost_as_reported() const noexcept { return lost_; }

  static std::string name_of(std::uint32_t keyspace, const std::string& key) {
    return std::to_string(keyspace) + "/" + key;
  }

 private:
  struct Reading {
    std::string name;
    std::size_t mark = 0;
  };
  void random_write();
  [[nodiscard]] Value random_value();
  void note_write(const base::Result<std::uint64_t>& accepted);
  void random_read();
  void answer_get(const Reading& reading, Completion& completion);
  void scan_all();
  Model& model_;
  std::uint64_t& tag_;
  testing::Seeded random_;
  const Traffic traffic_;
  CoreDriver driver_;
  std::map<std::uint64_t, Reading> reads_;
  std::uint64_t open_ = 0;
  std::uint64_t read_errors_ = 0;
  std::uint64_t lost_ = 0;
  bool told_ = false;
  bool excused_ = false;
};

}  // namespace ferrite::engine::torture
