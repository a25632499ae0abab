// What each key may hold after a crash: its last acknowledged value, or one that was accepted after it. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "testing/check.h"

namespace ferrite::engine::torture {

/// Absent, or the bytes of the value.
using Value = std::optional<std::string>;

class Model {
 public:
  /// A write under way. One tag may name several keys (a batch, a dropped partition), each once.
  void accepted(std::uint64_t tag, const std::string& name, Value value) {
    open_[tag].push_back(name);
    histories_[name].entries.push_back({tag, std::move(value)});
  }
  /// A write under way that changes nothing known so far (a drop); `accepted` may follow for the same tag.
  void nothing_accepted(std::uint64_t tag) { open_[tag]; }
  void acknowledged(std::uint64_t tag) {
    const auto found = open_.find(tag);
    EXPECT(found != open_.end());
    for (const std::string& name : found->second) {
      History& history = histories_[name];
      while (history.entries[history.first].tag != tag) ++history.first;
    }
    open_.erase(found);
  }
  /// `seen` is what was acknowledged, or was accepted later.
  [[nodiscard]] bool allows(const std::string& name, const Value& seen) const {
    const auto found = histories_.find(name);
    return found == histories_.end() ? !seen.has_value() : found->second.has(found->second.first, seen);
  }
  /// `seen` was written under this name at some time, or is absent.
  [[nodiscard]] bool ever(const std::string& name, const Value& seen) const {
    const auto found = histories_.find(name);
    return found == histories_.end() ? !seen.has_value() : found->second.has(0, seen);
  }
  /// What a read that begins now sees, or something later; to be asked about with `since`: the last write of a name that
  /// was accepted since the crash, or else what was acknowledged before.
  [[nodiscard]] std::size_t mark(const std::string& name) const {
    const auto found = histories_.find(name);
    if (found == histories_.end()) return 0;
    const History& history = found->second;
    return history.entries.size() > history.before_crash ? history.entries.size() - 1 : history.first;
  }
  [[nodiscard]] bool since(const std::string& name, std::size_t mark, const Value& seen) const {
    const auto found = histories_.find(name);
    return found == histories_.end() ? !seen.has_value() : found->second.has(mark, seen);
  }
  /// Every name a write was accepted for.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, history] : histories_) names.push_back(name);
    return names;
  }
  /// The disk speaks: what it holds now is durable.
  void settle(const std::string& name, const Value& seen) {
    History& history = histories_[name];
    history.entries.push_back({0, seen});
    history.first = history.entries.size() - 1;
  }
  /// Nobody asks any more what was there before the last acknowledged writes.
  void forget() {
    for (auto& [name, history] : histories_) {
      history.entries.erase(history.entries.begin(), history.entries.begin() + static_cast<std::ptrdiff_t>(history.first));
      history.first = 0;
      history.before_crash = history.entries.size();
    }
  }
  /// Nothing that is still open will be acknowledged any more.
  void crash() {
    open_.clear();
    for (auto& [name, history] : histories_) history.before_crash = history.entries.size();
  }

 private:
  struct Entry {
    std::uint64_t tag;
    Value value;
  };
  struct History {
    /// In the order of acceptance; in the beginning there is nothing.
    std::vector<Entry> entries{{0, std::nullopt}};
    /// The last acknowledged one.
    std::size_t first = 0;
    /// Accepted before the last crash.
    std::size_t before_crash = 0;

    [[nodiscard]] bool has(std::size_t from, const Value& value) const {
      for (std::size_t i = from; i < entries.size(); ++i) {
        if (entries[i].value == value) return true;
      }
      return false;
    }
  };
  std::map<std::string, History> histories_;
  std::map<std::uint64_t, std::vector<std::string>> open_;
};

}  // namespace ferrite::engine::torture
