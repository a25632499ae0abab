// Small images of four partitions and short ways to write to them, for tests. Threads: one.
#pragma once

#include "core_driver.h"
#include "testing/check.h"

namespace ferrite::engine {

inline constexpr std::uint32_t kBits = 2;
inline OpenOptions small_options(std::uint64_t checkpoint_records = 0) {
  OpenOptions options;
  options.segment_bytes = 64U << 10U;
  options.partition_bits = kBits;
  options.checkpoint_records = checkpoint_records;
  return options;
}

inline std::shared_ptr<base::AlignedBuffer> new_disk(std::size_t segments = 16) {
  return std::make_shared<base::AlignedBuffer>(kDataOffset + (segments << 16U));
}

inline std::string key_name(std::uint64_t number) { return "key" + std::to_string(number); }
inline std::uint32_t partition_of_key(const std::string& key) { return partition_of(key_hash(bytes_of(key)), kBits); }

/// A key of a partition: the name and a number.
inline std::string key_in(std::uint32_t partition, const std::string& name) {
  for (int i = 0;; ++i) {
    const std::string key = name + std::to_string(i);
    if (partition_of_key(key) == partition) return key;
  }
}

inline void put(CoreDriver& driver, const std::string& key, const std::string& value, std::uint32_t keyspace = 1) {
  EXPECT(driver.put(key, value, 1, keyspace).ok());
  EXPECT(driver.wait().status.ok());
}

inline void drop(CoreDriver& driver, std::uint32_t keyspace, std::uint32_t partition) {
  EXPECT(driver.drop(keyspace, partition, 1).ok());
  EXPECT(driver.wait().status.ok());
}

}  // namespace ferrite::engine
