// Every byte of an image is flipped in turn, in three ways, and the image opened, read and scrubbed: the flip is noticed,
// or it is the end of the log that nobody can judge (P17), or it changes nothing that the image says.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace ferrite::engine::torture {

/// How flips of one kind of byte showed.
struct Shown {
  std::uint64_t flips = 0;
  /// Open refused; reported at open; found by a read; found by scrub.
  std::uint64_t refused = 0;
  std::uint64_t opened = 0;
  std::uint64_t read = 0;
  std::uint64_t scrubbed = 0;
  /// The one ambiguous tail.
  std::uint64_t ambiguous = 0;
  /// Not noticed, where nothing was said: remains and unused blocks. The content was read and is right.
  std::uint64_t harmless = 0;
};

struct FlipTotals {
  std::uint64_t images = 0;
  std::map<std::string, Shown> kinds;
};

/// Images closed cleanly, cut off with and without a seal, and with a checkpoint. `full`: every byte of the first frames
/// and records of each kind, of the ends of all others, and a sample between, in three ways; otherwise a sample of all.
/// Ends the program when a flip is not noticed that should be, or a wrong answer is given.
void flip_everything(std::uint64_t seed, bool full, FlipTotals& totals);
void print_flips(const FlipTotals& totals);
/// Ends the program unless there was a flip in every kind of frame and record.
void expect_all_kinds(const FlipTotals& totals);

}  // namespace ferrite::engine::torture
