// Walks: a watched one yields what the engine held at one sequence, whatever is written meanwhile.
#include <map>
#include <random>

#include "blocking_client.h"
#include "scratch.h"

using namespace ferrite;
using namespace ferrite::engine;
using base::Reason;

namespace {

using Key = std::pair<std::uint32_t, std::string>;
using Content = std::map<Key, std::string>;

OpenOptions memory_options() {
  OpenOptions options;
  options.device = "memory:";
  options.size_bytes = 64U << 20U;
  options.segment_bytes = 1U << 20U;
  options.partition_bits = 4;
  return options;
}

std::unique_ptr<Engine> opened(const OpenOptions& options) {
  auto engine = Engine::open(options);
  EXPECT(engine.ok());
  return std::move(engine).value();
}

Completion step(BlockingClient& client, const WalkRequest& request) {
  EXPECT(client.raw().walk(request, 9).ok());
  return client.wait();
}

// What a page means to its receiver: its places hold these records and, between `from` and `to`, what is kept.
void apply(Completion& page, Content& content, std::uint64_t since = 0) {
  RecordView record;
  for (const WalkEntry& line : page.walk->entries) {
    if (line.state == WalkEntry::kChanged) {
      std::erase_if(content, [&](const auto& one) {
        return one.first.first == line.keyspace && key_hash(bytes_of(one.first.second)) == line.hash;
      });
    }
    if (line.state != WalkEntry::kRead) continue;
    EXPECT(page.records.next(record));
    EXPECT(record.hash == line.hash && record.keyspace == line.keyspace);
    EXPECT(record.sequence > since && record.sequence <= page.walk->head.sequence);
    content[{record.keyspace, text_of(record.key)}] = text_of(record.value);
  }
  EXPECT(!page.records.next(record));
}

void go_on(WalkRequest& request, const Completion& page) {
  request.step = WalkStep::kNext;
  request.from = {page.walk->head.next_keyspace, page.walk->head.next_hash};
}

}  // namespace

TEST("a watched walk yields the content of one sequence under writes") {
  auto engine = opened(memory_options());
  BlockingClient client(*engine);
  std::mt19937 random(7);
  Content model;
  const auto write = [&] {
    const std::uint32_t keyspace = random() % 3 == 0 ? 7 : random() % 2 == 0 ? 0 : ~std::uint32_t{0};
    const std::string key = "key " + std::to_string(random() % 1200);
    if (random() % 3 == 0) {
      EXPECT(client.remove(key, keyspace).ok());
      model.erase({keyspace, key});
    } else {
      const std::string value(random() % 3000, static_cast<char>('a' + random() % 26));
      EXPECT(client.put(key, value, keyspace).ok());
      model[{keyspace, key}] = value;
    }
  };
  for (int i = 0; i < 4000; ++i) write();
  Content copy;
  WalkRequest request;
  request.step = WalkStep::kStart;
  request.max_records = 16;
  for (bool more = true; more;) {
    Completion page = step(client, request);
    EXPECT(page.status.ok());
    more = page.walk->head.more == 1;
    go_on(request, page);
    for (int i = 0; i < 9; ++i) write();
    apply(page, copy);
  }
  EXPECT(copy != model);
  request.step = WalkStep::kChanges;
  request.max_records = 16;
  std::uint64_t changes = 1;
  int pages = 0;
  Content expected;
  for (; changes > 0 && pages < 200; ++pages) {
    Completion page = step(client, request);
    expected = model;
    changes = page.walk->head.changes;
    for (int i = 0; i < 5; ++i) write();
    apply(page, copy);
  }
  EXPECT(pages > 3 && pages < 200);
  EXPECT(copy == expected && copy != model);
  request.step = WalkStep::kEnd;
  EXPECT(step(client, request).status.ok());
}

TEST("there is one watched walk at a time, and it can be ended in the middle") {
  auto engine = opened(memory_options());
  BlockingClient client(*engine);
  WalkRequest request;
  request.step = WalkStep::kNext;
  EXPECT(step(client, request).status.reason() == Reason::kArgumentInvalid);
  request.step = WalkStep::kStart;
  EXPECT(step(client, request).status.ok());
  EXPECT(step(client, request).status.reason() == Reason::kOverloaded);
  request.step = WalkStep::kEnd;
  EXPECT(step(client, request).status.ok());
  request.step = WalkStep::kStart;
  Completion page = step(client, request);
  EXPECT(page.status.ok() && page.walk->head.more == 0 && page.walk->entries.empty());
  request.max_records = 0;
  EXPECT(client.raw().walk(request, 9).reason() == Reason::kArgumentInvalid);
}

TEST("a walk lists what is older than asked for, without reading what lies in older segments") {
  const Scratch scratch;
  OpenOptions options = memory_options();
  options.device = "file:" + scratch.image();
  auto engine = opened(options);
  std::uint64_t since = 0;
  {
    BlockingClient client(*engine);
    for (int i = 0; i < 3000; ++i) EXPECT(client.put("key " + std::to_string(i), std::string(2000, 'x')).ok());
    since = engine->report().next_sequence + 2999;
    for (int i = 0; i < 50; ++i) EXPECT(client.put("key " + std::to_string(i * 7), "new").ok());
  }
  for (const bool reopened : {false, true}) {
    if (reopened) {
      EXPECT(engine->close().ok());
      engine.reset();
      engine = opened(options);
    }
    BlockingClient client(*engine);
    const std::uint64_t before = engine->stats().device_reads;
    WalkRequest request;
    request.since = since;
    std::size_t kept = 0;
    Content fresh;
    for (bool more = true; more;) {
      Completion page = step(client, request);
      EXPECT(page.status.ok());
      for (const WalkEntry& line : page.walk->entries) kept += line.state == WalkEntry::kKept ? 1 : 0;
      apply(page, fresh, since);
      more = page.walk->head.more == 1;
      request.from = {page.walk->head.next_keyspace, page.walk->head.next_hash};
    }
    EXPECT(kept == 2950 && fresh.size() == 50);
    EXPECT(engine->stats().device_reads - before < 800);
  }
}

TEST("a page stays between its two places") {
  auto engine = opened(memory_options());
  BlockingClient client(*engine);
  for (int i = 0; i < 300; ++i) EXPECT(client.put("key " + std::to_string(i), "x").ok());
  const std::uint64_t hash = key_hash(bytes_of("key 17"));
  WalkRequest request;
  request.from = request.to = {1, hash};
  request.values = false;
  Completion page = step(client, request);
  EXPECT(page.walk->head.more == 0 && page.walk->entries.size() == 1 && page.records.count() == 1);
  RecordView record;
  EXPECT(page.records.next(record) && text_of(record.key) == "key 17" && record.value.empty());
}

TEST("a walk behind which too much changes is refused, and can be started anew") {
  OpenOptions options = memory_options();
  options.size_bytes = 256U << 20U;
  options.segment_bytes = 0;
  auto engine = opened(options);
  BlockingClient client(*engine, 4096);
  WalkRequest request;
  request.step = WalkStep::kStart;
  EXPECT(step(client, request).status.ok());
  int in_flight = 0;
  for (int i = 0; i < 530'000;) {
    PutRequest put;
    const std::string key = std::to_string(i);
    put.key = bytes_of(key);
    if (client.raw().append(put, 1).ok()) {
      ++i;
      ++in_flight;
    } else {
      EXPECT(client.wait().status.ok());
      --in_flight;
    }
  }
  for (; in_flight > 0; --in_flight) EXPECT(client.wait().status.ok());
  request.step = WalkStep::kChanges;
  EXPECT(step(client, request).status.reason() == Reason::kOverloaded);
  request.step = WalkStep::kEnd;
  EXPECT(step(client, request).status.ok());
  request.step = WalkStep::kStart;
  EXPECT(step(client, request).status.ok());
}
