// Plays the reactor of a Core on the test's own thread, deterministically. Threads: one.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "blocking_client.h"
#include "core/core.h"

namespace ferrite::engine {

class CoreDriver {
 public:
  explicit CoreDriver(const OpenOptions& options) : core_(std::make_shared<internal::Core>(options)) {
    core_->use_time(&time_);
  }

  base::Status attach(std::unique_ptr<BlockDevice> device, bool fresh) {
    const base::Status status = core_->attach(std::move(device), fresh);
    if (status.ok()) client_ = core_->add_client({}).value();
    return status;
  }

  internal::Core& core() { return *core_; }
  const std::shared_ptr<internal::ClientQueue>& client() { return client_; }
  [[nodiscard]] const OpenReport& report() const { return core_->report(); }

  base::Result<std::uint64_t> put(const std::string& key, const std::string& value, std::uint64_t tag,
                                   std::uint32_t keyspace = 1, std::uint64_t expires_at_ms = 0) {
    PutRequest request;
    request.keyspace = keyspace;
    request.expires_at_ms = expires_at_ms;
    request.key = bytes_of(key);
    request.value = bytes_of(value);
    return core_->submit_write(client_, RecordKind::kPut, request, tag);
  }
  base::Result<std::uint64_t> remove(const std::string& key, std::uint64_t tag, std::uint32_t keyspace = 1) {
    PutRequest request;
    request.keyspace = keyspace;
    request.key = bytes_of(key);
    return core_->submit_write(client_, RecordKind::kRemove, request, tag);
  }
  base::Result<std::uint64_t> drop(std::uint32_t keyspace, std::uint32_t partition, std::uint64_t tag) {
    return core_->submit_drop(client_, keyspace, partition, tag);
  }
  struct Write {
    std::string key;
    /// Absent: a removal.
    std::optional<std::string> value;
    std::uint32_t keyspace = 1;
  };
  base::Result<std::uint64_t> batch(const std::vector<Write>& writes, std::uint64_t tag) {
    std::vector<BatchWrite> ops;
    for (const Write& write : writes) {
      BatchWrite& op = ops.emplace_back();
      op.removal = !write.value.has_value();
      op.request.keyspace = write.keyspace;
      op.request.key = bytes_of(write.key);
      if (write.value.has_value()) op.request.value = bytes_of(*write.value);
    }
    return core_->submit_batch(client_, ops, tag);
  }
  /// Keys and values of a whole partition, in order.
  std::vector<std::pair<std::string, std::string>> scan(std::uint32_t keyspace, std::uint32_t partition) {
    std::vector<std::pair<std::string, std::string>> records;
    ScanRequest request;
    request.keyspace = keyspace;
    request.partition = partition;
    request.max_records = 7;
    for (bool more = true; more;) {
      EXPECT(core_->submit_scan(client_, request, 0).ok());
      Completion page = wait();
      while (page.kind != OpKind::kScan) page = wait();
      EXPECT(page.status.ok() && page.damaged == 0);
      RecordView view;
      while (page.records.next(view)) {
        records.emplace_back(text_of(view.key), text_of(view.value));
        request.after_hash = view.hash;
      }
      more = page.more && !records.empty();
      if (more) request.after_key = bytes_of(records.back().first);
    }
    return records;
  }
  base::Status scrub(std::uint64_t bytes_per_second, std::uint64_t tag) {
    return core_->submit_scrub(client_, bytes_per_second, tag);
  }
  // Reads answered through `poll`.
  base::Status begin_get(const std::string& key, std::uint64_t tag, std::uint32_t keyspace = 1) {
    return core_->submit_get(client_, keyspace, bytes_of(key), tag);
  }
  base::Status begin_scan(const ScanRequest& request, std::uint64_t tag) {
    return core_->submit_scan(client_, request, tag);
  }
  base::Status begin_walk(const WalkRequest& request, std::uint64_t tag) {
    return core_->submit_walk(client_, request, tag);
  }
  /// A turn of the reactor, which takes a little time.
  bool step() {
    time_ += std::chrono::microseconds(20);
    return core_->step(false);
  }
  [[nodiscard]] std::chrono::steady_clock::time_point now() const { return time_; }
  /// Time goes by in which the reactor does nothing.
  void pass(std::chrono::milliseconds time) { time_ += time; }
  std::optional<Completion> poll() {
    Completion one[1];
    if (client_->drain(one) == 0) return std::nullopt;
    return std::move(one[0]);
  }
  /// Turns the reactor until a completion comes.
  Completion wait() {
    for (int turns = 0; turns < 1000000; ++turns) {
      if (auto completion = poll()) return std::move(*completion);
      step();
    }
    EXPECT(false);  // no completion comes
    return {};
  }
  Found get(const std::string& key, std::uint32_t keyspace = 1) {
    const base::Status accepted = core_->submit_get(client_, keyspace, bytes_of(key), 0);
    if (!accepted.ok()) return {accepted, std::nullopt, {}};
    Completion completion = wait();
    while (completion.kind != OpKind::kGet) completion = wait();
    Found found{completion.status, std::nullopt, {}};
    if (completion.records.next(found.view)) found.value = text_of(found.view.value);
    return found;
  }
  base::Status close() {
    core_->begin_close();
    while (step()) {
    }
    return core_->close();
  }

 private:
  // Not zero: the engine's own stamps begin there, and must lie far back.
  std::chrono::steady_clock::time_point time_{std::chrono::hours(1)};
  std::shared_ptr<internal::Core> core_;
  std::shared_ptr<internal::ClientQueue> client_;
};

}  // namespace ferrite::engine
