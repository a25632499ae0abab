// A batch as `src/batch.ts` packs it. Threads: pure function.
#pragma once

#include <span>
#include <vector>

#include "base/bytes.h"
#include "engine/engine.h"

namespace ferrite::addon {

/// Reads six numbers a write (removal, keyspace, generation, expiry, bytes of key and of value) and, out of `bytes`, its
/// key and value, which stay borrowed. False when the two do not fit together.
[[nodiscard]] bool unpack_batch(std::span<const double> numbers, base::Bytes bytes,
                                std::vector<engine::BatchWrite>& writes);

}  // namespace ferrite::addon
