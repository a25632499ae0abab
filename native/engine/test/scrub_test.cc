// Scrub and the stream of damage: what is damaged is named once a pass, by key where that can still be known; what is not
// alive is only counted; and nobody who works meanwhile is hurt.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "core_driver.h"
#include "device/faulty_device.h"
#include "device/memory_device.h"
#include "testing/check.h"
#include "testing/seeded.h"

using namespace ferrite;
using namespace ferrite::engine;
using base::Reason;

namespace {

using Disk = std::shared_ptr<base::AlignedBuffer>;
constexpr std::uint64_t kFast = 64ULL << 30U;

OpenOptions small_options() {
  OpenOptions options;
  options.segment_bytes = 64U << 10U;
  options.partition_bits = 4;
  options.checkpoint_records = 200;
  return options;
}

std::string key_name(std::uint64_t number) { return "key" + std::to_string(number); }

void put(CoreDriver& driver, const std::string& key, const std::string& value) {
  EXPECT(driver.put(key, value, 1).ok());
  EXPECT(driver.wait().status.ok());
}

Completion scrub(CoreDriver& driver, std::uint64_t rate = kFast) {
  EXPECT(driver.scrub(rate, 7).ok());
  Completion completion = driver.wait();
  EXPECT(completion.kind == OpKind::kScrub && completion.tag == 7);
  return completion;
}

// Device offsets at which `text` begins, in the log.
std::vector<std::uint64_t> places_of(const base::AlignedBuffer& disk, const std::string& text) {
  std::vector<std::uint64_t> places;
  const auto* end = disk.data() + disk.size();
  for (const auto* at = disk.data() + kDataOffset; (at = std::search(at, end, text.begin(), text.end())) != end; ++at) {
    places.push_back(static_cast<std::uint64_t>(at - disk.data()));
  }
  return places;
}

void flip(base::AlignedBuffer& disk, std::uint64_t at) { disk.data()[at] = static_cast<std::uint8_t>(disk.data()[at] ^ 4U); }

std::string key_of(const DamageReport& report) { return {report.key.begin(), report.key.end()}; }

}  // namespace

TEST("a scrub of a sound image reads all of it, in every state of the log, and finds nothing") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    testing::set_seed(seed);
    testing::Seeded random(seed);
    const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + (3U << 20U));
    std::uint64_t records = 0;
    for (int boot = 0; boot < 4; ++boot) {
      CoreDriver driver(small_options());
      EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), boot == 0).ok());
      for (std::uint64_t i = random.below(900); i > 0; --i) {
        const std::string key = key_name(random.below(400));
        if (random.chance(20)) {
          EXPECT(driver.remove(key, 1).ok());
        } else {
          EXPECT(driver.put(key, std::string(random.below(random.chance(3) ? 30000 : 900), 'v'), 1).ok());
        }
        if (random.chance(60)) {
          EXPECT(driver.wait().status.ok());
        } else {
          driver.step();
        }
        while (driver.poll()) {
        }
        ++records;
        if (random.chance(1)) driver.pass(std::chrono::milliseconds(kSealDelayMs));
      }
      while (driver.core().stats().appends + driver.core().stats().removes < records) driver.step();
      records = 0;
      while (driver.poll()) {
      }
      EXPECT(!scrub(driver).more);
      const ScrubProgress progress = driver.core().scrub_progress();
      EXPECT(!progress.running && progress.bytes_done == progress.bytes_total && progress.bytes_total > 0);
      EXPECT(progress.damaged_records == 0 && progress.damaged_places == 0);
      EXPECT(progress.finished_at_ms >= progress.started_at_ms && progress.started_at_ms > 0);
      EXPECT(driver.core().take_damage().empty());
      if (random.chance(50)) EXPECT(driver.close().ok());
    }
  }
}

TEST("a scrub names a record with a damaged value by its key, one with a damaged head by its partition, each once") {
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + (3U << 20U));
  CoreDriver driver(small_options());
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
  for (int i = 0; i < 300; ++i) put(driver, key_name(i), "value of " + key_name(i) + "." + std::string(300, 'v'));
  put(driver, "key5", "a newer one");
  flip(*disk, places_of(*disk, "value of key77.").front() + 20);
  flip(*disk, places_of(*disk, "key42value").front() - 20);  // in the head
  flip(*disk, places_of(*disk, "value of key5.").front());    // replaced: nothing alive
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT(scrub(driver).status.ok());
    const ScrubProgress progress = driver.core().scrub_progress();
    EXPECT(progress.damaged_records == 2 && progress.damaged_places == 3);
    const std::vector<DamageReport> reports = driver.core().take_damage();
    EXPECT(reports.size() == 2);
    for (const DamageReport& report : reports) {
      const std::string key = report.key.empty() ? "key42" : "key77";
      EXPECT(report.key.empty() || key_of(report) == key);
      EXPECT(report.keyspace == 1U && report.partition == partition_of(key_hash(bytes_of(key)), 4));
      EXPECT(report.reason == Reason::kChecksumMismatch && report.source == DamageSource::kScrub);
    }
    EXPECT(key_of(reports[0]) != key_of(reports[1]));
  }
  // The same by reading them.
  EXPECT(driver.get("key42").status.reason() == Reason::kChecksumMismatch);
  EXPECT(driver.get("key77").status.reason() == Reason::kChecksumMismatch);
  EXPECT(driver.get("key42").status.reason() == Reason::kChecksumMismatch);
  const std::vector<DamageReport> reports = driver.core().take_damage();
  std::set<std::string> named;
  for (const DamageReport& report : reports) {
    EXPECT(report.source == DamageSource::kRead);
    named.insert(key_of(report));
  }
  EXPECT(reports.size() == 2 && named == std::set<std::string>({"key42", "key77"}));
}

TEST("every flipped byte of the log, of its frames and of the checkpoint is noticed, and only what is hurt is named") {
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + (1U << 20U));
  CoreDriver driver(small_options());
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
  for (int i = 0; i < 600; ++i) put(driver, key_name(i % 150), std::to_string(i) + std::string(100 + i % 400, 'v'));
  EXPECT(driver.core().stats().checkpoints > 0);
  EXPECT(!scrub(driver).more && driver.core().scrub_progress().damaged_places == 0);
  testing::Seeded random(3);
  int noticed = 0;
  int named = 0;
  const std::uint64_t bytes = driver.core().scrub_progress().bytes_total;
  for (int i = 0; i < 1500; ++i) {
    const std::uint64_t at = random.chance(2) ? random.below(2) * kSuperblockStride + random.below(kBlockBytes)
                                              : kDataOffset + random.below(1U << 20U);
    flip(*disk, at);
    EXPECT(!scrub(driver).more);
    const ScrubProgress progress = driver.core().scrub_progress();
    EXPECT(progress.bytes_total == bytes && progress.damaged_records <= progress.damaged_places);
    const std::vector<DamageReport> reports = driver.core().take_damage();
    EXPECT(reports.size() == progress.damaged_records);
    if (progress.damaged_places > 0) ++noticed;
    named += static_cast<int>(reports.size());
    // Exactly the keys that cannot be read now are named.
    std::uint64_t unreadable = 0;
    if (progress.damaged_places > 0 && i % 8 == 0) {
      for (int k = 0; k < 150; ++k) unreadable += driver.get(key_name(k)).status.ok() ? 0U : 1U;
      EXPECT(unreadable == reports.size());
      EXPECT(driver.core().take_damage().size() == unreadable);
    } else if (progress.damaged_places == 0 && i % 40 == 0) {
      for (int k = 0; k < 150; ++k) EXPECT(driver.get(key_name(k)).status.ok());
    }
    flip(*disk, at);
  }
  std::printf("of 1500 flips in the image %d in use were noticed, %d records named\n", noticed, named);
  EXPECT(noticed > 300 && named > 50);
}

TEST("a group that the device acknowledged and lost is missed") {
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + (1U << 20U));
  CoreDriver driver(small_options());
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
  put(driver, "one", "1");
  const std::uint64_t place = kDataOffset + kBlockBytes;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(3 * kSealDelayMs);
  while (std::chrono::steady_clock::now() < until) driver.step();
  std::vector<std::uint8_t> seal(disk->data() + place, disk->data() + place + kBlockBytes);
  put(driver, "two", "2");
  put(driver, "three", "3");
  std::memcpy(disk->data() + place, seal.data(), seal.size());
  EXPECT(scrub(driver).status.ok());
  const std::vector<DamageReport> reports = driver.core().take_damage();
  EXPECT(reports.size() == 1 && reports[0].partition == partition_of(key_hash(bytes_of("two")), 4));
}

TEST("a scrub finds its way while the log is written, compacted and given back under it") {
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + (2U << 20U));
  CoreDriver driver(small_options());
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
  testing::Seeded random(11);
  int passes = 0;
  EXPECT(driver.scrub(40U << 20U, 7).ok());
  int in_flight = 0;
  for (int i = 0; i < 60000; ++i) {
    if (driver.put(key_name(random.below(900)), std::string(random.below(1200), 'v'), 1).ok()) ++in_flight;
    do {
      driver.step();
      while (const auto completion = driver.poll()) {
        EXPECT(completion->status.ok());
        if (completion->kind == OpKind::kScrub) {
          ++passes;
          EXPECT(driver.core().scrub_progress().damaged_places == 0);
          EXPECT(driver.scrub(40U << 20U, 7).ok());
        } else {
          --in_flight;
        }
      }
    } while (in_flight > 32);
  }
  std::printf("%d passes while %llu MiB were written\n", passes,
              static_cast<unsigned long long>(driver.core().stats().written_bytes >> 20U));
  EXPECT(passes > 5);
  EXPECT(driver.core().take_damage().empty());
  EXPECT(driver.close().ok());
}

TEST("a scrub keeps to its rate, can be stopped, and is one at a time") {
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + (3U << 20U));
  CoreDriver driver(small_options());
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
  for (int i = 0; i < 300; ++i) put(driver, key_name(i), std::string(3000, 'v'));
  const auto start = driver.now();
  EXPECT(!scrub(driver, 10U << 20U).more);
  const std::chrono::duration<double> took = driver.now() - start;
  const auto bytes = static_cast<double>(driver.core().scrub_progress().bytes_total);
  // The last window of each segment need not be waited for, and one burst is allowed.
  EXPECT(took.count() > 0.5 * bytes / (10U << 20U) - 0.05);
  const std::uint64_t finished = driver.core().scrub_progress().finished_at_ms;

  EXPECT(driver.scrub(1, 8).ok());
  EXPECT(driver.scrub(kFast, 9).reason() == Reason::kOverloaded);
  for (int i = 0; i < 100; ++i) driver.step();
  EXPECT(driver.core().scrub_progress().running);
  driver.core().stop_scrub();
  const Completion stopped = driver.wait();
  EXPECT(stopped.tag == 8 && stopped.status.ok() && stopped.more);
  EXPECT(driver.core().scrub_progress().finished_at_ms == finished && !driver.core().scrub_progress().running);
  EXPECT(!scrub(driver).more);

  EXPECT(driver.scrub(1, 10).ok());
  EXPECT(driver.close().ok());  // ends it, too
  const Completion closed = driver.wait();
  EXPECT(closed.tag == 10 && closed.more);
  EXPECT(driver.scrub(1, 11).reason() == Reason::kShuttingDown);
}

TEST("a scrub goes around a block that cannot be read, and names what lies in it") {
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + (3U << 20U));
  const auto plan = std::make_shared<FaultPlan>();
  CoreDriver driver(small_options());
  EXPECT(driver.attach(std::make_unique<FaultyDevice>(std::make_unique<MemoryDevice>(disk), plan), true).ok());
  for (int i = 0; i < 200; ++i) put(driver, key_name(i), "value of " + key_name(i) + "." + std::string(2000, 'v'));
  const std::uint64_t place = places_of(*disk, "value of key9.").front() / kBlockBytes * kBlockBytes;
  plan->bad_begin = place;
  plan->bad_end = place + kBlockBytes;
  EXPECT(scrub(driver).status.ok());
  const std::vector<DamageReport> reports = driver.core().take_damage();
  EXPECT(!driver.core().failed() && !reports.empty() && reports.size() <= 3);
  const auto partition = partition_of(key_hash(bytes_of("key9")), 4);
  EXPECT(std::any_of(reports.begin(), reports.end(), [&](const DamageReport& r) { return r.partition == partition; }));
  EXPECT(driver.core().scrub_progress().damaged_records == reports.size());
}

TEST("a segment that compaction cannot empty names what it is stuck with") {
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + (1U << 20U));
  CoreDriver driver(small_options());
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
  put(driver, "kept", "value kept" + std::string(100, 'v'));
  flip(*disk, places_of(*disk, "value kept").front());
  testing::Seeded random(2);
  std::vector<DamageReport> reports;
  for (int i = 0; i < 20000 && reports.empty(); ++i) {
    put(driver, key_name(random.below(200)), std::string(random.below(1500), 'v'));
    reports = driver.core().take_damage();
  }
  EXPECT(reports.size() == 1 && key_of(reports[0]) == "kept" && reports[0].source == DamageSource::kCompaction);
}

TEST("damage found at open waits to be taken, beyond the bound one report without a name stands for the rest") {
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + (8U << 20U));
  OpenOptions options = small_options();
  options.checkpoint_records = 1U << 20U;  // everything is read again
  {
    CoreDriver driver(options);
    EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
    for (int i = 0; i < 1200; ++i) put(driver, key_name(i), "value of " + key_name(i) + ".");
    EXPECT(driver.close().ok());
  }
  flip(*disk, places_of(*disk, "value of key1199.").back());
  CoreDriver driver(options);
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), false).ok());
  for (const std::uint64_t place : places_of(*disk, "value of key")) flip(*disk, place);  // but for the one hurt already
  EXPECT(driver.report().damaged.size() == 1);
  std::vector<DamageReport> reports = driver.core().take_damage();
  EXPECT(reports.size() == driver.report().damaged.size());
  for (const DamageReport& report : reports) EXPECT(report.source == DamageSource::kOpen);
  EXPECT(scrub(driver).status.ok());
  EXPECT(driver.core().scrub_progress().damaged_records >= 1199);
  reports = driver.core().take_damage();
  EXPECT(reports.size() == 1025);
  EXPECT(!reports.back().keyspace.has_value() && !reports.back().partition.has_value() && reports.back().key.empty());
  EXPECT(reports.front().keyspace.has_value());
  EXPECT(driver.core().take_damage().empty());
}

TEST("a client that asks for it is told once that there is damage, and again after it has looked") {
  const auto disk = std::make_shared<base::AlignedBuffer>(kDataOffset + (1U << 20U));
  CoreDriver driver(small_options());
  EXPECT(driver.attach(std::make_unique<MemoryDevice>(disk), true).ok());
  ClientOptions options;
  options.depth = 1;
  options.damage_news = true;
  const auto listener = driver.core().add_client(options).value();
  put(driver, "a", "value of a");
  put(driver, "b", "value of b");
  flip(*disk, places_of(*disk, "value of a").front());
  flip(*disk, places_of(*disk, "value of b").front());
  Completion news[4];
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i) {
      EXPECT(!driver.get("a").status.ok());
      EXPECT(!driver.get("b").status.ok());
    }
    driver.step();
    EXPECT(listener->drain(news) == 1);
    EXPECT(news[0].kind == OpKind::kDamage && news[0].tag == 0);
    EXPECT(driver.core().take_damage().size() == 2);
  }
  driver.step();
  EXPECT(listener->drain(news) == 0);
}
