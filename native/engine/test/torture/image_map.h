// What every byte of an image is. Threads: one; owns nothing of the image.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "format/group.h"

namespace ferrite::engine::torture {

struct Span {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  /// "superblock", "group header", "put", "padding", "remains" and so on.
  std::string what;
  /// Part of what the image says. Otherwise it is left from an earlier life, or never used.
  bool matters = true;
  /// Of the log's last group, seal excluded.
  bool last = false;
};

/// All of a sound image, in order, without gaps. Ends the test when the image makes no sense.
[[nodiscard]] std::vector<Span> map_image(base::Bytes image);

}  // namespace ferrite::engine::torture
