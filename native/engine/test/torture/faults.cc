#include "torture/faults.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "device/non_durable_device.h"
#include "testing/check.h"
#include "torture/session.h"

namespace ferrite::engine::torture {
namespace {

constexpr std::uint64_t kForever = ~std::uint64_t{0};
std::string tried;
/// Of each call site these requests fail in any case.
constexpr std::uint64_t kFirst = 2;

struct Site {
  const char* function;
  IoKind kind;
  const char* name;
};
/// Every call of a device in the engine.
constexpr Site kSites[] = {
    {"read_superblocks", IoKind::kRead, "superblock read"},
    {"all_blank", IoKind::kRead, "blank read"},
    {"read", IoKind::kRead, "recovery read"},
    {"write_superblocks", IoKind::kWriteDurable, "superblock write"},
    {"submit_group", IoKind::kWriteDurable, "group"},
    {"pump_verification", IoKind::kRead, "verifying read"},
    {"start_seal", IoKind::kWriteDurable, "seal"},
    {"finish_free_step", IoKind::kWriteDurable, "free mark"},
    {"step_zeros", IoKind::kWrite, "zeros ahead"},
    {"step_zeros", IoKind::kFlush, "zeros' flush"},
    {"read_window", IoKind::kRead, "moved read"},
    {"submit_copies", IoKind::kWriteDurable, "moved group"},
    {"write_pages", IoKind::kWrite, "checkpoint pages"},
    {"write_pages", IoKind::kFlush, "checkpoint flush"},
    {"write_pages", IoKind::kWriteDurable, "checkpoint root"},
    {"read_candidate", IoKind::kRead, "get"},
    {"pump_scan", IoKind::kRead, "scan and walk"},
    {"read_scrub_window", IoKind::kRead, "scrub"},
    {"read_suspect", IoKind::kRead, "suspect"},
};
/// In the sources: recovery reads have two, since they try again block by block; zeros and their flush share one.
constexpr std::size_t kCalls = std::size(kSites);

const char* name_of(const IoRequest& request) {
  for (const Site& site : kSites) {
    if (std::string_view(request.site) == site.function && request.kind == site.kind) return site.name;
  }
  std::fprintf(stderr, "a call site without a name here: %s\n", request.site);
  EXPECT(false);
  return "";
}

/// Where a life with a fault begins.
struct Scene {
  const char* name;
  std::shared_ptr<VolatileDisk> disk;
  Model model;
  std::uint64_t tag = 0;
  Traffic traffic;
  std::uint64_t turns = 0;
  /// The file is new / holds nothing but zeros that must be looked at.
  bool fresh = false;
  /// Requests of opening may fail, too.
  bool from_open = true;
  std::uint64_t checkpoint_records = 0;
  /// A block that cannot be read as long as the life with the fault goes on.
  std::uint64_t bad_block = 0;
};

OpenOptions options_of(std::uint64_t checkpoint_records) {
  OpenOptions options;
  options.segment_bytes = 64U << 10U;
  options.partition_bits = kPartitionBits;
  options.checkpoint_records = checkpoint_records;
  return options;
}

std::shared_ptr<VolatileDisk> disk_of(std::size_t segments) {
  auto disk = std::make_shared<VolatileDisk>(kDataOffset + (segments << 16U));
  disk->allocates_on_write = true;
  return disk;
}

std::unique_ptr<NonDurableDevice> device_of(const std::shared_ptr<VolatileDisk>& disk, std::uint64_t seed) {
  return std::make_unique<NonDurableDevice>(disk, seed, kForever);
}

Scene fresh_scene(bool known_fresh) {
  Scene scene{known_fresh ? "fresh" : "blank", disk_of(10), {}, 0, {}, known_fresh ? 250U : 20U, known_fresh, true, 30};
  scene.traffic.value_bytes = 9000;
  return scene;
}

/// Half full, with dead records in every segment, so that compaction and checkpoints go on from the first write.
Scene steady_scene(std::uint64_t seed) {
  Scene scene{"half full", disk_of(18), {}, 0, {}, 300, false, false, 0};
  scene.traffic.keys = 40;
  scene.traffic.value_bytes = 7000;
  Session session(scene.model, scene.tag, seed, scene.traffic, options_of(scene.checkpoint_records));
  EXPECT(session.open(device_of(scene.disk, seed), true).ok());
  for (int turn = 0; turn < 2000; ++turn) session.turn();
  session.settle();
  EXPECT(session.driver().core().stats().moved_bytes > 0);
  EXPECT(session.close().ok());
  return scene;
}

/// Opened from a checkpoint, so that old records have to be read to compare keys.
Scene checkpointed_scene(std::uint64_t seed) {
  Scene scene{"checkpointed", disk_of(18), {}, 0, {}, 120, false, true, 40};
  Session session(scene.model, scene.tag, seed, scene.traffic, options_of(scene.checkpoint_records));
  EXPECT(session.open(device_of(scene.disk, seed), true).ok());
  for (int turn = 0; turn < 500; ++turn) session.turn();
  session.settle();
  EXPECT(session.driver().core().stats().checkpoints > 0);
  EXPECT(session.close().ok());
  return scene;
}

/// Left by a power cut in the middle of traffic.
Scene crashed_scene(std::uint64_t seed, CutMode mode) {
  Scene scene{"recovery", disk_of(18), {}, 0, {}, 12, false, true, seed % 2 == 0 ? 60U : 0U};
  scene.traffic.value_bytes = 5000;
  testing::Seeded random(seed);
  {
    Session session(scene.model, scene.tag, seed, scene.traffic, options_of(scene.checkpoint_records));
    EXPECT(session.open(device_of(scene.disk, seed), true).ok());
    const std::uint64_t turns = 300 + random.below(500);
    for (std::uint64_t turn = 0; turn < turns; ++turn) session.turn();
  }
  scene.model.crash();
  scene.disk->power_cut(mode, random);
  return scene;
}

class FaultRun {
 public:
  FaultRun(const Scene& scene, std::uint64_t seed, FaultTotals& totals)
      : scene_(scene), seed_(seed), totals_(totals), model_(scene.model), tag_(scene.tag),
        disk_(scene.disk->copy()), plan_(std::make_shared<FaultPlan>()) {
    plan_->forget = [disk = disk_.get()] { disk->unflushed.clear(); };
    plan_->bad_begin = scene.bad_block;
    plan_->bad_end = scene.bad_block > 0 ? scene.bad_block + kBlockBytes : 0;
  }

  struct Request {
    const char* site;
    IoKind kind;
  };
  /// The life without faults: its requests in order, those of opening left out where they may not fail.
  std::vector<Request> rehearse() {
    std::vector<Request> requests;
    plan_->watch = [&requests](const IoRequest& request) { requests.push_back({name_of(request), request.kind}); };
    live();
    return {requests.begin() + static_cast<std::ptrdiff_t>(begin_), requests.end()};
  }
  void fail(std::uint64_t at, Fault fault) {
    at_ = at;
    plan_->fault = fault;
    plan_->watch = [this](const IoRequest& request) {
      if (plan_->seen != plan_->at) return;
      site_ = name_of(request);
      kind_ = request.kind;
    };
    if (scene_.from_open) plan_->at = at;
    live();
    if (!hit()) return;  // this life went another way
    ++totals_.runs;
    ++totals_.sites[site_][static_cast<std::size_t>(fault)];
    reopen();
  }

 private:
  [[nodiscard]] bool hit() const noexcept { return site_[0] != '\0'; }
  void live() {
    Session session(model_, tag_, seed_, scene_.traffic, options_of(scene_.checkpoint_records));
    const base::Status opened =
        session.open(std::make_unique<FaultyDevice>(device_of(disk_, seed_), plan_), scene_.fresh);
    if (!opened.ok()) {
      EXPECT(hit());
      ++totals_.refused;
      return;
    }
    if (!scene_.from_open) {
      begin_ = plan_->seen;
      plan_->at = at_ == kForever ? kForever : begin_ + at_;
    }
    const Noticed at_open = session.noticed();
    if ((scene_.bad_block > 0 || (hit() && kind_ == IoKind::kRead)) && (at_open.damaged || at_open.ambiguous)) {
      excused_ = true;
      session.excuse();
    }
    if (scene_.bad_block > 0) session.begin_scrub();
    for (std::uint64_t turn = 0; turn < scene_.turns; ++turn) session.turn();
    session.look(false);
    const base::Status closed = session.close();
    totals_.lost_as_reported += session.lost_as_reported();
    Noticed noticed = session.noticed();
    noticed.ambiguous = noticed.ambiguous && excused_;
    if (!hit()) {
      EXPECT(closed.ok() && !noticed.stopped);
      EXPECT(scene_.bad_block > 0 || noticed.read_errors + noticed.checksum_failures == 0);
      return;
    }
    judge(noticed, closed);
  }

  void judge(const Noticed& noticed, const base::Status& closed) {
    if (noticed.stopped) {
      EXPECT(closed.reason() == base::Reason::kDeviceFailed);
      ++totals_.stopped;
      return;
    }
    if (!closed.ok()) {
      // The last superblock: nothing was promised but the clean close.
      EXPECT(closed.reason() == base::Reason::kDeviceFailed);
      ++totals_.refused;
      return;
    }
    if (noticed.anything()) {
      EXPECT(kind_ == IoKind::kRead);
      ++totals_.reported;
      return;
    }
    // Everything was read back and is right. A write may fail and go on only where nothing depends on it yet.
    EXPECT(kind_ == IoKind::kRead ||
           (plan_->fault == Fault::kNoSpace && std::string_view(site_).starts_with("zeros")));
    ++totals_.contained;
  }

  /// The same disk on a healthy device, after the power was lost or not.
  void reopen() {
    model_.crash();
    testing::Seeded random(seed_ + at_);
    disk_->power_cut(static_cast<CutMode>(random.below(kCutModes)), random);
    for (int boot = 0; boot < 2; ++boot) {
      Session session(model_, tag_, seed_ + at_, scene_.traffic, options_of(scene_.checkpoint_records));
      if (excused_) session.excuse();
      EXPECT(session.open(device_of(disk_, seed_ + at_), scene_.fresh).ok());
      EXPECT(excused_ || session.driver().report().damaged.empty());
      session.look(true);
      totals_.lost_as_reported += session.lost_as_reported();
      excused_ = false;
      const Noticed noticed = session.noticed();
      EXPECT(noticed.read_errors == 0 && noticed.checksum_failures == 0);
      for (int turn = 0; turn < 20; ++turn) session.turn();
      session.settle();
      EXPECT(session.close().ok());
    }
  }

  const Scene& scene_;
  const std::uint64_t seed_;
  FaultTotals& totals_;
  Model model_;
  std::uint64_t tag_;
  const std::shared_ptr<VolatileDisk> disk_;
  const std::shared_ptr<FaultPlan> plan_;
  std::uint64_t at_ = kForever;
  std::uint64_t begin_ = 0;
  const char* site_ = "";
  IoKind kind_ = IoKind::kRead;
  bool excused_ = false;
};

/// The same as checkpointed on a device with a block that cannot be read: reads fail, and what they were to find is
/// looked into, one record after the other. `seed`: of the life with the fault.
Scene worn_scene(std::uint64_t image, std::uint64_t seed) {
  Scene scene = checkpointed_scene(image);
  scene.name = "worn";
  scene.disk->allocates_on_write = false;
  scene.from_open = false;
  scene.traffic.reads_percent = 60;
  std::set<std::uint64_t> blocks;
  const auto plan = std::make_shared<FaultPlan>();
  plan->watch = [&blocks](const IoRequest& request) {
    if (std::string_view(request.site) == "read_candidate") blocks.insert(request.offset);
  };
  {
    Session session(scene.model, scene.tag, seed, scene.traffic, options_of(0));
    EXPECT(session.open(std::make_unique<FaultyDevice>(device_of(scene.disk->copy(), seed), plan), false).ok());
    session.look(false);
  }
  // The block that makes the most work.
  std::uint64_t best = 0;
  std::ptrdiff_t most = 0;
  for (const std::uint64_t block : blocks) {
    scene.bad_block = block;
    FaultTotals nobody;
    const auto requests = FaultRun(scene, seed, nobody).rehearse();
    const auto suspects = std::count_if(requests.begin(), requests.end(), [](const FaultRun::Request& request) {
      return std::string_view(request.site) == "suspect";
    });
    if (suspects > most) best = block;
    most = std::max(most, suspects);
  }
  if (most == 0) return worn_scene(image + 1'000'000, seed);  // nothing is looked into in this image
  scene.bad_block = best;
  return scene;
}

void fail_in(const Scene& scene, std::uint64_t seed, std::uint64_t stride, FaultTotals& totals) {
  tried = std::string(scene.name) + ", nothing";
  const auto requests = FaultRun(scene, seed, totals).rehearse();
  std::map<std::string_view, std::uint64_t> met;
  for (std::uint64_t at = 0; at < requests.size(); ++at) {
    const auto& [site, kind] = requests[at];
    if (++met[site] > kFirst && (at + seed) % stride != 0) continue;
    for (std::size_t i = 0; i < kFaults; ++i) {
      const auto fault = static_cast<Fault>(i);
      if (!may_fail(kind, fault)) continue;
      tried = std::string(scene.name) + ", request " + std::to_string(at) + " (" + site + "), " + kFaultNames[i];
      FaultRun(scene, seed, totals).fail(at, fault);
    }
  }
}

}  // namespace

void fail_everywhere(std::uint64_t seed, std::uint64_t stride, FaultTotals& totals) {
  testing::set_seed(seed);
  fail_in(fresh_scene(true), seed, stride, totals);
  fail_in(fresh_scene(false), seed, stride, totals);
  fail_in(steady_scene(seed), seed, stride, totals);
  fail_in(checkpointed_scene(seed), seed, stride, totals);
  fail_in(worn_scene(seed, seed), seed, stride, totals);
  for (std::uint64_t cut = 0; cut < kCutModes; ++cut) {
    fail_in(crashed_scene(seed * kCutModes + cut, static_cast<CutMode>(cut)), seed, stride, totals);
  }
}

const std::string& current_fault() noexcept { return tried; }

void expect_all_sites(const FaultTotals& totals) {
  for (const Site& site : kSites) {
    const auto found = totals.sites.find(site.name);
    for (std::size_t i = 0; i < kFaults; ++i) {
      const bool hit = found != totals.sites.end() && found->second[i] > 0;
      if (hit || !may_fail(site.kind, static_cast<Fault>(i))) continue;
      std::fprintf(stderr, "never failed: %s, %s\n", site.name, kFaultNames[i]);
      EXPECT(false);
    }
  }
  // The sources ask devices nowhere else.
  std::size_t calls = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(FERRITE_ENGINE_SOURCES)) {
    if (entry.path().extension() != ".cc" || entry.path().parent_path().filename() == "device") continue;
    std::ifstream text(entry.path());
    for (std::string line; std::getline(text, line);) {
      if (line.find("::start_io(") != std::string::npos) continue;
      calls += line.find(" start_io(") != std::string::npos || line.find("run_io(") != std::string::npos ? 1 : 0;
    }
  }
  EXPECT(calls == kCalls);
}

void print_sites(const FaultTotals& totals) {
  for (const auto& [name, hits] : totals.sites) {
    std::printf("%-18s", name.c_str());
    for (std::size_t i = 0; i < kFaults; ++i) {
      if (hits[i] > 0) std::printf("  %s %llu", kFaultNames[i], static_cast<unsigned long long>(hits[i]));
    }
    std::putchar('\n');
  }
}

}  // namespace ferrite::engine::torture
