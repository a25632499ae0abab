#include <algorithm>
#include <cstdio>
#include <map>

#include "index/index.h"
#include "engine/engine.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;

namespace {

Location place(std::uint64_t number) { return Location(number * 64, 64); }

}  // namespace

TEST("the index agrees with an ordered multimap under random inserts, replacements and removals") {
  testing::Seeded random(17);
  Index index(3);
  std::multimap<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> model;
  std::uint64_t next = 1;
  for (int step = 0; step < 60000; ++step) {
    const auto keyspace = static_cast<std::uint32_t>(random.below(3));
    // Few distinct hashes in a corner, so that equal ones fill whole leaves.
    const std::uint64_t hash = random.chance(20) ? random.below(3) : random.next() & 0xffff'0000'0000'000fULL;
    const auto found = model.find({keyspace, hash});
    const bool growing = (step / 10000) % 2 == 0;
    if (found == model.end() || random.chance(growing ? 60 : 20)) {
      index.insert(keyspace, hash, place(next));
      model.emplace(std::pair{keyspace, hash}, next);
      ++next;
    } else if (random.chance(30)) {
      EXPECT(index.replace(keyspace, hash, place(found->second), place(next)));
      found->second = next++;
    } else {
      EXPECT(index.erase(keyspace, hash, place(found->second)));
      model.erase(found);
    }
    EXPECT(!index.erase(keyspace, hash, place(next + 5)));
  }
  EXPECT(index.size() == model.size());
  std::vector<Location> out(model.size() + 1);
  for (auto it = model.begin(); it != model.end();) {
    const auto range = model.equal_range(it->first);
    const auto expected = static_cast<std::size_t>(std::distance(range.first, range.second));
    EXPECT(index.find(it->first.first, it->first.second, out) == expected);
    for (auto each = range.first; each != range.second; ++each) {
      EXPECT(std::find(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(expected), place(each->second)) !=
             out.begin() + static_cast<std::ptrdiff_t>(expected));
    }
    it = range.second;
  }
  std::uint64_t visited = 0;
  std::pair<std::uint32_t, std::uint64_t> before{0, 0};
  index.for_each([&](std::uint32_t keyspace, const IndexEntry& entry) {
    EXPECT(before <= std::pair(keyspace, entry.hash));
    before = {keyspace, entry.hash};
    ++visited;
  });
  EXPECT(visited == model.size());
}

TEST("collecting a partition yields its entries in order from any hash and no others") {
  testing::Seeded random(23);
  Index index(4);
  std::map<std::uint64_t, std::uint64_t> model;
  for (std::uint64_t i = 1; i <= 20000; ++i) {
    const std::uint64_t hash = random.next();
    if (!model.emplace(hash, i).second) continue;
    index.insert(5, hash, place(i));
  }
  for (std::uint32_t partition = 0; partition < 16; ++partition) {
    std::uint64_t from = 0;
    std::uint64_t count = 0;
    std::vector<IndexEntry> page(37);
    auto expected = model.lower_bound(std::uint64_t{partition} << 60U);
    while (const std::size_t found = index.collect(5, partition, from, page)) {
      for (std::size_t i = 0; i < found; ++i, ++expected, ++count) {
        EXPECT(page[i].hash == expected->first && page[i].location == place(expected->second));
        EXPECT(partition_of(page[i].hash, 4) == partition);
      }
      from = page[found - 1].hash + 1;
      if (from == 0) break;
    }
    EXPECT(count > 0);
    EXPECT(expected == model.end() || expected->first >> 60U == partition + 1);
  }
  std::vector<IndexEntry> none(1);
  EXPECT(index.collect(6, 0, 0, none) == 0);
}

TEST("two million keys take at most 24 bytes of index memory each") {
  testing::Seeded random(29);
  Index index(10);
  constexpr std::uint64_t kKeys = 2'000'000;
  for (std::uint64_t i = 1; i <= kKeys; ++i) index.insert(1, random.next(), place(i));
  const double each = static_cast<double>(index.memory_bytes()) / static_cast<double>(kKeys);
  std::printf("%.2f bytes per key\n", each);
  EXPECT(index.size() == kKeys);
  EXPECT(each <= 24.0);
}
