// A client that waits for each answer: what tests and benchmarks drive an engine with. Threads: one.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "runtime/wake_event.h"
#include "testing/check.h"

namespace ferrite::engine {

inline base::Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string text_of(base::Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

struct Found {
  base::Status status;
  std::optional<std::string> value;
  RecordView view;  // without key and value
};

struct Page {
  std::vector<std::pair<std::string, std::string>> records;
  std::uint64_t last_hash = 0;
  std::uint32_t damaged = 0;
  bool more = false;
};

class BlockingClient {
 public:
  explicit BlockingClient(Engine& engine, std::uint32_t depth = 1024) {
    ClientOptions options;
    options.depth = depth;
    options.wake = [](void* context) noexcept { static_cast<runtime::WakeEvent*>(context)->signal(); };
    options.wake_context = &event_;
    auto client = engine.open_client(options);
    EXPECT(client.ok());
    client_ = std::move(client).value();
  }

  Client& raw() { return *client_; }

  base::Status put(std::string_view key, std::string_view value, std::uint32_t keyspace = 1) {
    PutRequest request;
    request.keyspace = keyspace;
    request.key = bytes_of(key);
    request.value = bytes_of(value);
    const auto accepted = client_->append(request, 1);
    return accepted.ok() ? wait().status : accepted.status();
  }
  base::Status remove(std::string_view key, std::uint32_t keyspace = 1) {
    const auto accepted = client_->remove(keyspace, bytes_of(key), 2);
    return accepted.ok() ? wait().status : accepted.status();
  }
  Found get(std::string_view key, std::uint32_t keyspace = 1) {
    const base::Status accepted = client_->get(keyspace, bytes_of(key), 3);
    if (!accepted.ok()) return {accepted, std::nullopt, {}};
    Completion completion = wait();
    Found found{completion.status, std::nullopt, {}};
    if (completion.records.next(found.view)) {
      EXPECT(text_of(found.view.key) == key);
      found.value = text_of(found.view.value);
    }
    return found;
  }
  Page scan(const ScanRequest& request) {
    EXPECT(client_->scan(request, 4).ok());
    Completion completion = wait();
    EXPECT(completion.status.ok());
    Page page;
    page.damaged = completion.damaged;
    page.more = completion.more;
    RecordView view;
    while (completion.records.next(view)) {
      page.records.emplace_back(text_of(view.key), text_of(view.value));
      page.last_hash = view.hash;
    }
    return page;
  }
  /// Every record of a keyspace, page by page through all partitions.
  std::map<std::string, std::string> everything(std::uint32_t keyspace, std::uint32_t partition_bits,
                                                std::uint32_t page_records = 7) {
    std::map<std::string, std::string> all;
    for (std::uint32_t partition = 0; partition < 1U << partition_bits; ++partition) {
      std::string after;
      std::uint64_t after_hash = 0;
      for (;;) {
        ScanRequest request;
        request.keyspace = keyspace;
        request.partition = partition;
        request.after_hash = after_hash;
        request.after_key = bytes_of(after);
        request.max_records = page_records;
        const Page page = scan(request);
        for (const auto& [key, value] : page.records) EXPECT(all.emplace(key, value).second);
        if (!page.more) break;
        EXPECT(!page.records.empty());
        after = page.records.back().first;
        after_hash = page.last_hash;
      }
    }
    return all;
  }
  base::Status flush() {
    const base::Status accepted = client_->flush(5);
    return accepted.ok() ? wait().status : accepted;
  }
  /// The next completion.
  Completion wait() {
    Completion one[1];
    while (client_->drain(one) == 0) event_.wait(-1);
    return std::move(one[0]);
  }

 private:
  runtime::WakeEvent event_;
  std::unique_ptr<Client> client_;
};

}  // namespace ferrite::engine
