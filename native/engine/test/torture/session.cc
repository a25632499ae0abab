#include "torture/session.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace ferrite::engine::torture {

using base::Reason;

namespace {

constexpr std::uint64_t kScrubRate = 1U << 30U;

}  // namespace

base::Status Session::open(std::unique_ptr<BlockDevice> device, bool fresh) {
  return driver_.attach(std::move(device), fresh);
}

void Session::turn() {
  if (random_.chance(traffic_.writes_percent)) random_write();
  if (random_.chance(traffic_.reads_percent)) random_read();
  if (random_.chance(1)) driver_.pass(std::chrono::milliseconds(kSealDelayMs / 2 + 1));
  driver_.step();
  collect();
}

Value Session::random_value() {
  if (random_.chance(traffic_.removals_percent)) return std::nullopt;
  std::string value = std::to_string(tag_) + ":";
  const bool large = random_.chance(traffic_.large_percent);
  value.resize(value.size() + random_.below(large ? traffic_.large_bytes : traffic_.value_bytes), 'v');
  return value;
}

void Session::random_write() {
  const auto keyspace = 1 + static_cast<std::uint32_t>(random_.below(traffic_.keyspaces));
  if (random_.chance(traffic_.batches_percent)) {
    write_batch(keyspace);
  } else if (random_.chance(traffic_.drops_percent)) {
    drop_partition(keyspace);
  } else {
    const std::string key = "key" + std::to_string(random_.below(traffic_.keys));
    ++tag_;
    static_cast<void>(write(key, keyspace, random_value()));
  }
}

bool Session::write(const std::string& key, std::uint32_t keyspace, Value value) {
  const std::uint64_t tag = ++tag_;
  const auto accepted =
      value.has_value() ? driver_.put(key, *value, tag, keyspace) : driver_.remove(key, tag, keyspace);
  note_write(accepted);
  if (accepted.ok()) model_.accepted(tag, name_of(keyspace, key), std::move(value));
  return accepted.ok();
}

void Session::write_batch(std::uint32_t keyspace) {
  const std::uint64_t tag = ++tag_;
  std::vector<CoreDriver::Write> writes;
  const std::uint64_t first = random_.below(traffic_.keys);
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(3, traffic_.keys); ++i) {
    writes.push_back({"key" + std::to_string((first + i) % traffic_.keys), random_value(), keyspace});
  }
  const auto accepted = driver_.batch(writes, tag);
  note_write(accepted);
  if (!accepted.ok()) return;
  for (CoreDriver::Write& write : writes) model_.accepted(tag, name_of(keyspace, write.key), std::move(write.value));
}

void Session::drop_partition(std::uint32_t keyspace) {
  const std::uint64_t tag = ++tag_;
  const auto partition = static_cast<std::uint32_t>(random_.below(1U << kPartitionBits));
  const auto accepted = driver_.drop(keyspace, partition, tag);
  note_write(accepted);
  if (!accepted.ok()) return;
  model_.nothing_accepted(tag);
  for (std::uint64_t number = 0; number < traffic_.keys; ++number) {
    const std::string key = "key" + std::to_string(number);
    if (partition_of(key_hash(bytes_of(key)), kPartitionBits) != partition) continue;
    model_.accepted(tag, name_of(keyspace, key), std::nullopt);
  }
}

void Session::note_write(const base::Result<std::uint64_t>& accepted) {
  if (accepted.ok()) {
    ++open_;
    return;
  }
  const Reason reason = accepted.status().reason();
  EXPECT(reason == Reason::kDeviceFailed ? driver_.core().failed()
                                         : reason == Reason::kDeviceFull || reason == Reason::kOverloaded);
}

void Session::random_read() {
  const auto keyspace = 1 + static_cast<std::uint32_t>(random_.below(traffic_.keyspaces));
  const std::string key = "key" + std::to_string(random_.below(traffic_.keys));
  const std::uint64_t tag = ++tag_;
  base::Status accepted;
  Reading reading;
  const std::uint64_t kind = random_.below(9);
  if (kind < 4) {
    reading = {name_of(keyspace, key), model_.mark(name_of(keyspace, key))};
    accepted = driver_.begin_get(key, tag, keyspace);
  } else if (kind < 6) {
    ScanRequest request;
    request.keyspace = keyspace;
    request.partition = static_cast<std::uint32_t>(random_.below(1U << kPartitionBits));
    request.max_records = 8;
    accepted = driver_.begin_scan(request, tag);
  } else if (kind < 8) {
    WalkRequest request;
    request.max_records = 8;
    accepted = driver_.begin_walk(request, tag);
  } else {
    begin_scrub();
    return;
  }
  if (!accepted.ok()) {
    EXPECT(accepted.reason() == Reason::kDeviceFailed && driver_.core().failed());
    return;
  }
  ++open_;
  reads_[tag] = std::move(reading);
}

void Session::collect() {
  while (auto completion = driver_.poll()) {
    if (completion->kind == OpKind::kFailed) {
      EXPECT(!told_ && driver_.core().failed() && completion->status.reason() == Reason::kDeviceFailed);
      told_ = true;
      continue;
    }
    EXPECT(open_ > 0);
    --open_;
    const auto reading = reads_.find(completion->tag);
    if (reading != reads_.end()) {
      answer_get(reading->second, *completion);
      reads_.erase(reading);
    } else if (completion->status.ok()) {
      model_.acknowledged(completion->tag);
    } else {
      EXPECT(completion->status.reason() == Reason::kDeviceFailed && driver_.core().failed());
    }
  }
}

void Session::answer_get(const Reading& reading, Completion& completion) {
  if (!completion.status.ok()) {
    EXPECT(completion.status.reason() == Reason::kChecksumMismatch ||
           (completion.status.reason() == Reason::kDeviceFailed && driver_.core().failed()));
    ++read_errors_;
    return;
  }
  read_errors_ += completion.damaged;
  RecordView view;
  if (completion.kind == OpKind::kScan || completion.kind == OpKind::kScrub) {
    // The page of a scan or walk: nothing in it was invented.
    while (completion.records.next(view)) {
      EXPECT(model_.ever(name_of(view.keyspace, text_of(view.key)), text_of(view.value)));
    }
    return;
  }
  Value seen;
  if (completion.records.next(view)) seen = text_of(view.value);
  EXPECT(excused_ ? model_.ever(reading.name, seen) : model_.since(reading.name, reading.mark, seen));
}

void Session::settle() {
  for (int turns = 0; open_ > 0; ++turns) {
    EXPECT(turns < 100'000);  // an accepted operation is stuck
    driver_.step();
    collect();
  }
}

base::Status Session::close() {
  const base::Status status = driver_.close();
  collect();
  EXPECT(open_ == 0);
  return status;
}

void Session::look(bool trusting) {
  settle();
  for (const std::string& name : model_.names()) {
    const std::size_t slash = name.find('/');
    const auto keyspace = static_cast<std::uint32_t>(std::stoul(name.substr(0, slash)));
    const Found found = driver_.get(name.substr(slash + 1), keyspace);
    if (!found.status.ok()) {
      EXPECT(found.status.reason() == Reason::kChecksumMismatch ||
             (found.status.reason() == Reason::kDeviceFailed && driver_.core().failed()));
      ++read_errors_;
      continue;
    }
    if (!model_.allows(name, found.value)) {
      EXPECT(excused_ && model_.ever(name, found.value));
      ++lost_;
    }
    if (trusting) model_.settle(name, found.value);
  }
  if (!driver_.core().failed()) scan_all();
}

void Session::begin_scrub() {
  const std::uint64_t tag = ++tag_;
  const base::Status accepted = driver_.scrub(kScrubRate, tag);
  EXPECT(accepted.ok() || accepted.reason() == Reason::kOverloaded ||
         (accepted.reason() == Reason::kDeviceFailed && driver_.core().failed()));
  if (!accepted.ok()) return;
  ++open_;
  reads_[tag] = {};
}

bool Session::scrub_finds(std::uint64_t bytes_per_second) {
  settle();
  EXPECT(driver_.scrub(bytes_per_second, 0).ok());
  const Completion pass = driver_.wait();
  EXPECT(pass.status.ok() && !pass.more);
  const ScrubProgress progress = driver_.core().scrub_progress();
  return progress.damaged_records + progress.damaged_places > 0;
}

// Scans say the same as gets: nothing more, nothing less.
void Session::scan_all() {
  std::uint64_t records = 0;
  for (std::uint32_t keyspace = 1; keyspace <= traffic_.keyspaces; ++keyspace) {
    for (std::uint32_t partition = 0; partition < 1U << kPartitionBits; ++partition) {
      ScanRequest request;
      request.keyspace = keyspace;
      request.partition = partition;
      request.max_records = 4096;
      request.max_bytes = 8U << 20U;
      EXPECT(driver_.begin_scan(request, 0).ok());
      Completion page = driver_.wait();
      if (!page.status.ok() || page.more) {
        EXPECT(!page.status.ok() && driver_.core().failed());
        ++read_errors_;
        return;
      }
      read_errors_ += page.damaged;
      RecordView view;
      while (page.records.next(view)) {
        ++records;
        const std::string name = name_of(view.keyspace, text_of(view.key));
        EXPECT(model_.allows(name, text_of(view.value)) || (excused_ && model_.ever(name, text_of(view.value))));
      }
      records += page.damaged;
    }
  }
  EXPECT(records == driver_.core().stats().records);
}

Noticed Session::noticed() {
  const EngineStats stats = driver_.core().stats();
  const OpenReport& report = driver_.report();
  Noticed noticed;
  noticed.read_errors = read_errors_;
  noticed.checksum_failures = stats.checksum_failures;
  noticed.salvaged = report.salvaged;
  noticed.damaged = !report.damaged.empty();
  noticed.ambiguous = report.tail == Tail::kAmbiguous;
  noticed.stopped = driver_.core().failed();
  return noticed;
}

}  // namespace ferrite::engine::torture
