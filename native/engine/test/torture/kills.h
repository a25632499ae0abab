// A real process writes to an image on a real file and is killed (SIGKILL) in the middle of it, again and again on the same
// image; what it said was acknowledged is there each time, and nothing it never wrote.
#pragma once

#include <cstdint>
#include <string>

namespace ferrite::engine::torture {

struct KillTotals {
  std::uint64_t kills = 0;
  /// Before the process had opened the image; while it was working over io_uring, over the thread pool.
  std::uint64_t in_opening = 0;
  std::uint64_t uring = 0;
  std::uint64_t pool = 0;
  std::uint64_t acknowledged = 0;
  /// Times everything was read back.
  std::uint64_t looks = 0;
  std::uint64_t records = 0;
  std::uint64_t ambiguous = 0;
};

/// Works on `path`, which must not exist. No thread of this process may run meanwhile. Ends the program on a violation.
void kill_often(const std::string& path, std::uint64_t seed, std::uint64_t kills, KillTotals& totals);

}  // namespace ferrite::engine::torture
