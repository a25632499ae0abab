// What each key may hold after a crash: its last acknowledged value, or one that was accepted after it. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "testing/check.h"

namespace ferrite::engine::torture {

/// Absent, or the bytes of the value.
using Value = std::optional<std::string>;

class Model {
 public:
  void accepted(std::uint64_t tag, const std::string& name, Value value) {
    open_[tag] = name;
    histories_[name].push_back({tag, std::move(value)});
  }
  void acknowledged(std::uint64_t tag) {
    const auto found = open_.find(tag);
    EXPECT(found != open_.end());
    std::vector<Entry>& history = histories_[found->second];
    while (history.front().tag != tag) history.erase(history.begin());
    certain_.insert(found->second);
    open_.erase(found);
  }
  /// Ends the test when `seen` is older than what was acknowledged, or was never accepted.
  void check(const std::string& name, const Value& seen) const {
    const auto found = histories_.find(name);
    bool allowed = !seen.has_value() && !certain_.contains(name);
    if (found != histories_.end()) {
      for (const Entry& entry : found->second) allowed = allowed || entry.value == seen;
    }
    EXPECT(allowed);
  }
  /// The disk speaks: what it holds now is durable.
  void settle(const std::string& name, const Value& seen) {
    histories_[name] = {{0, seen}};
    certain_.insert(name);
  }
  /// Nothing that is still open will be acknowledged any more.
  void crash() { open_.clear(); }

 private:
  struct Entry {
    std::uint64_t tag;
    Value value;
  };
  std::map<std::string, std::vector<Entry>> histories_;
  std::map<std::uint64_t, std::string> open_;
  /// Keys of which absence is an answer like any other.
  std::set<std::string> certain_;
};

}  // namespace ferrite::engine::torture
