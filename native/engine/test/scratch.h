// A folder of a test's own, removed with everything in it.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "testing/check.h"

namespace ferrite::engine {

class Scratch {
 public:
  Scratch() {
    char name[] = "ferrite-engine-XXXXXX";
    EXPECT(::mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] std::string image() const { return path_ + "/image"; }

 private:
  std::string path_;
};

}  // namespace ferrite::engine
