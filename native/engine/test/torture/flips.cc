#include "torture/flips.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "device/faulty_device.h"
#include "device/memory_device.h"
#include "testing/check.h"
#include "torture/image_map.h"
#include "torture/session.h"

namespace ferrite::engine::torture {
namespace {

constexpr std::uint64_t kScrubRate = 1ULL << 40U;
/// In a full run: so many bytes at both ends of a span, and all of the first ones of each kind; every so-manieth between.
constexpr std::uint64_t kEdge = 128;
constexpr std::uint64_t kWhole = 2;
constexpr std::uint64_t kStride = 31;
/// Bytes between samples in a short run, and where nothing is said.
constexpr std::uint64_t kSample = 997;
constexpr std::uint64_t kSilent = 4001;
constexpr const char* kKinds[] = {"superblock", "group header", "put", "removal", "drop", "record of a batch", "padding",
                                  "moved group header", "moved put", "moved removal", "seal", "free mark",
                                  "checkpoint root", "checkpoint index", "checkpoint table"};

enum class Ending : std::uint8_t { kClosed, kSealed, kUnsealed, kCheckpoint };
constexpr std::array<const char*, 4> kEndings = {"closed", "sealed", "unsealed", "with a checkpoint"};

struct Image {
  std::shared_ptr<base::AlignedBuffer> disk;
  Model model;
  std::uint64_t tag = 0;
  Ending ending = Ending::kClosed;
};

OpenOptions options_of(Ending ending) {
  OpenOptions options;
  options.segment_bytes = 64U << 10U;
  options.partition_bits = kPartitionBits;
  options.checkpoint_records = ending == Ending::kCheckpoint ? 20 : 0;
  return options;
}

/// A small image in which everything occurs that a log can hold.
Image make_image(std::uint64_t seed, Ending ending) {
  Image image{std::make_shared<base::AlignedBuffer>(kDataOffset + (11U << 16U)), {}, 0, ending};
  testing::Seeded random(seed);
  Session session(image.model, image.tag, seed, {}, options_of(ending));
  EXPECT(session.open(std::make_unique<MemoryDevice>(image.disk), true).ok());
  const auto put = [&](const std::string& key, std::size_t bytes) {
    EXPECT(session.write(key, 1, std::to_string(image.tag) + ":" + std::string(bytes, 'v')));
  };
  // What lives long in every segment makes compaction move it, removals among it.
  // There is room for a checkpoint only before that.
  const auto go_on = [&](const EngineStats& stats) {
    return ending == Ending::kCheckpoint ? stats.checkpoints == 0 : stats.moved_bytes < 100'000;
  };
  for (std::uint64_t i = 0; go_on(session.driver().core().stats()); ++i) {
    EXPECT(i < 2000);
    put("large" + std::to_string(random.below(3)), 2000 + random.below(9000));
    if (i % 3 == 0) put("old" + std::to_string(random.below(20)), 300);
    if (i % 5 == 0) EXPECT(session.write("old" + std::to_string(random.below(20)), 1, std::nullopt));
    session.settle();
  }
  for (int i = 0; i < 4; ++i) EXPECT(session.write("key" + std::to_string(i), 2, "value " + std::to_string(i)));
  session.settle();
  session.drop_partition(2);
  EXPECT(session.write("key1", 2, "after the drop"));
  session.write_batch(2);
  session.settle();
  EXPECT(session.write("key3", 2, std::nullopt));
  session.settle();
  EXPECT(session.write("last", 1, "the last record"));
  session.settle();
  if (ending == Ending::kClosed || ending == Ending::kCheckpoint) {
    EXPECT(session.close().ok());
  } else if (ending == Ending::kSealed) {
    session.driver().pass(std::chrono::milliseconds(kSealDelayMs));
    for (int turn = 0; turn < 5; ++turn) session.driver().step();
  }
  return image;
}

class Flipper {
 public:
  explicit Flipper(const Image& image) : image_(image), disk_(std::make_shared<base::AlignedBuffer>(image.disk->size())) {
    std::memcpy(disk_->data(), image.disk->data(), disk_->size());
    plan_->watch = [this](const IoRequest& request) {
      if (request.kind != IoKind::kRead) written_.emplace_back(request.offset, request.length);
    };
  }

  void flip(const Span& span, std::uint64_t at, std::uint8_t pattern, Shown& shown) {
    disk_->data()[at] = pattern;
    ++shown.flips;
    examine(span, at, shown);
    // The disk becomes what it was.
    restore(at, 1);
    for (const auto& [offset, length] : written_) restore(offset, length);
    written_.clear();
  }
  /// Without a flip nothing is found.
  void examine_sound() {
    Shown shown;
    examine({0, 0, "nothing", false}, 0, shown);
    EXPECT(shown.harmless + shown.ambiguous == 1);
    for (const auto& [offset, length] : written_) restore(offset, length);
    written_.clear();
  }

 private:
  void restore(std::uint64_t offset, std::uint64_t length) {
    std::memcpy(disk_->data() + offset, image_.disk->data() + offset, length);
  }

  void examine(const Span& span, std::uint64_t at, Shown& shown) {
    Model model = image_.model;
    std::uint64_t tag = image_.tag;
    Session session(model, tag, 1, {}, options_of(image_.ending));
    const base::Status opened =
        session.open(std::make_unique<FaultyDevice>(std::make_unique<MemoryDevice>(disk_), plan_), false);
    if (!opened.ok()) {
      ++shown.refused;
      return;
    }
    const OpenReport& report = session.driver().report();
    const bool closed = image_.ending == Ending::kClosed || image_.ending == Ending::kCheckpoint;
    const bool ambiguous = report.tail == Tail::kAmbiguous;
    const bool reported = !report.damaged.empty() || report.salvaged > 0 || (closed && !report.clean) ||
                          (ambiguous && image_.ending != Ending::kUnsealed);
    // A record may be missing where damage is reported, and the last group on the word of an ambiguous end.
    if (!report.damaged.empty() || (ambiguous && span.last)) session.excuse();
    session.look(false);
    const Noticed noticed = session.noticed();
    if (reported) {
      ++shown.opened;
    } else if (noticed.read_errors + noticed.checksum_failures > 0) {
      ++shown.read;
    } else if (ambiguous && span.last) {
      ++shown.ambiguous;
    } else if (session.scrub_finds(kScrubRate)) {
      ++shown.scrubbed;
    } else {
      ++shown.harmless;
      if (!span.matters) return;
      std::fprintf(stderr, "not noticed: byte %llu of a %s at %llu, image %s\n",
                   static_cast<unsigned long long>(at - span.begin), span.what.c_str(),
                   static_cast<unsigned long long>(span.begin), kEndings[static_cast<std::size_t>(image_.ending)]);
      EXPECT(false);
    }
  }

  const Image& image_;
  const std::shared_ptr<base::AlignedBuffer> disk_;
  const std::shared_ptr<FaultPlan> plan_ = std::make_shared<FaultPlan>();
  std::vector<std::pair<std::uint64_t, std::uint64_t>> written_;
};

void flip_image(const Image& image, bool full, testing::Seeded& random, FlipTotals& totals) {
  Flipper flipper(image);
  flipper.examine_sound();
  std::map<std::string, std::uint64_t> met;
  for (const Span& span : map_image(image.disk->bytes())) {
    Shown& shown = totals.kinds[span.what];
    const bool whole = full && span.matters && ++met[span.what] <= kWhole;
    for (std::uint64_t at = span.begin; at < span.end;) {
      const std::uint8_t byte = image.disk->data()[at];
      const std::uint8_t patterns[] = {static_cast<std::uint8_t>(byte ^ (1U << random.below(8))),
                                       static_cast<std::uint8_t>(~byte), 0};
      for (const std::uint8_t pattern : patterns) {
        if (pattern != byte && (full || random.chance(34))) flipper.flip(span, at, pattern, shown);
      }
      const bool edge = full && span.matters && (at - span.begin < kEdge || span.end - at <= kEdge);
      at += whole || edge ? 1 : !span.matters ? kSilent : full ? kStride : kSample;
    }
  }
  ++totals.images;
}

}  // namespace

void flip_everything(std::uint64_t seed, bool full, FlipTotals& totals) {
  testing::set_seed(seed);
  testing::Seeded random(seed);
  for (const Ending ending : {Ending::kClosed, Ending::kSealed, Ending::kUnsealed, Ending::kCheckpoint}) {
    flip_image(make_image(seed, ending), full, random, totals);
  }
}

void print_flips(const FlipTotals& totals) {
  std::printf("%-20s %8s %8s %8s %8s %8s %8s %8s\n", "", "flips", "refused", "opening", "reading", "scrub", "tail",
              "harmless");
  for (const auto& [what, shown] : totals.kinds) {
    std::printf("%-20s", what.c_str());
    for (const std::uint64_t count : {shown.flips, shown.refused, shown.opened, shown.read, shown.scrubbed,
                                      shown.ambiguous, shown.harmless}) {
      std::printf(" %8llu", static_cast<unsigned long long>(count));
    }
    std::putchar('\n');
  }
}

void expect_all_kinds(const FlipTotals& totals) {
  for (const char* kind : kKinds) {
    const auto found = totals.kinds.find(kind);
    if (found == totals.kinds.end()) std::fprintf(stderr, "never flipped: %s\n", kind);
    EXPECT(found != totals.kinds.end() && found->second.flips > 0 && found->second.harmless == 0);
  }
}

}  // namespace ferrite::engine::torture
