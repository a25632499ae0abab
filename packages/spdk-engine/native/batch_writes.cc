#include "batch_writes.h"

namespace ferrite::addon {
namespace {

constexpr double kU32Max = 4294967295.0;
constexpr double kIntegerMax = 9007199254740991.0;

}  // namespace

bool unpack_batch(std::span<const double> numbers, base::Bytes bytes, std::vector<engine::BatchWrite>& writes) {
  constexpr std::size_t kColumns = 6;
  if (numbers.size() % kColumns != 0) return false;
  for (; !numbers.empty(); numbers = numbers.subspan(kColumns)) {
    const auto fits = [&](std::size_t column, double most) { return numbers[column] >= 0 && numbers[column] <= most; };
    if (!fits(1, kU32Max) || !fits(2, kU32Max) || !fits(3, kIntegerMax) || !fits(4, kU32Max) || !fits(5, kU32Max)) return false;
    engine::BatchWrite& write = writes.emplace_back();
    write.removal = numbers[0] != 0;
    write.request.keyspace = static_cast<std::uint32_t>(numbers[1]);
    write.request.generation = static_cast<std::uint32_t>(numbers[2]);
    write.request.expires_at_ms = static_cast<std::uint64_t>(numbers[3]);
    for (base::Bytes* part : {&write.request.key, &write.request.value}) {
      const auto length = static_cast<std::size_t>(numbers[part == &write.request.key ? 4 : 5]);
      if (length > bytes.size()) return false;
      *part = bytes.first(length);
      bytes = bytes.subspan(length);
    }
  }
  return bytes.empty();
}

}  // namespace ferrite::addon
