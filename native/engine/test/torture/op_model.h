// What an image may hold after a crash when one operation changes many keys: puts, removals, drops of partitions, and
// batches, which are there as a whole or not at all. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "testing/check.h"

namespace ferrite::engine::torture {

class OpModel {
 public:
  /// Absent, or a value that no other write has.
  using Value = std::optional<std::string>;
  using Changes = std::vector<std::pair<std::string, Value>>;
  using Content = std::map<std::string, Value>;

  /// `keys`: all there will ever be; absent at first.
  explicit OpModel(std::vector<std::string> keys) {
    for (std::string& key : keys) histories_[std::move(key)] = {{0, std::nullopt}};
  }

  /// `tag`: from 1, ascending. `whole`: the changes are there all or not at all.
  void accepted(std::uint64_t tag, Changes changes, bool whole) {
    for (const auto& [key, value] : changes) histories_.at(key).push_back({tag, value});
    if (whole) batches_[tag] = changes;
    open_[tag] = std::move(changes);
  }
  void acknowledged(std::uint64_t tag) {
    const auto found = open_.find(tag);
    EXPECT(found != open_.end());
    for (const auto& [key, value] : found->second) {
      std::vector<Entry>& history = histories_.at(key);
      // Something later may have been acknowledged already: never, since writes complete in order.
      while (history.front().tag < tag) history.erase(history.begin());
    }
    open_.erase(found);
    batches_.erase(tag);
  }
  /// What a read must show while the engine lives: the last that was accepted.
  [[nodiscard]] const Value& last(const std::string& key) const { return histories_.at(key).back().value; }

  /// Ends the test when `seen`, which names every key, cannot be; then takes it for what is there.
  void crashed(const Content& seen) {
    for (const auto& [key, history] : histories_) {
      bool allowed = false;
      for (const Entry& entry : history) allowed = allowed || entry.value == seen.at(key);
      EXPECT(allowed);
    }
    for (const auto& [tag, changes] : batches_) check_whole(tag, changes, seen);
    open_.clear();
    batches_.clear();
    for (auto& [key, history] : histories_) history = {{0, seen.at(key)}};
  }

 private:
  struct Entry {
    std::uint64_t tag;
    Value value;
  };

  void check_whole(std::uint64_t tag, const Changes& changes, const Content& seen) const {
    bool some = false;
    bool lacking = false;
    for (const auto& [key, value] : changes) {
      bool here = false;
      bool later = false;
      for (const Entry& entry : histories_.at(key)) {
        if (entry.value != seen.at(key)) continue;
        here = here || entry.tag == tag;
        later = later || entry.tag > tag;
      }
      some = some || (here && value.has_value());
      lacking = lacking || (!here && !later);
    }
    EXPECT(!(some && lacking));
  }

  std::map<std::string, std::vector<Entry>> histories_;
  std::map<std::uint64_t, Changes> open_;
  std::map<std::uint64_t, Changes> batches_;
};

}  // namespace ferrite::engine::torture
