#include "device/non_durable_device.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

namespace ferrite::engine {
namespace {

constexpr std::size_t kSectorBytes = 512;
constexpr std::uint64_t kKeptPercent = 80;

void shuffle(std::vector<VolatileDisk::Write>& writes, testing::Seeded& random) {
  for (std::size_t i = writes.size(); i > 1; --i) std::swap(writes[i - 1], writes[random.below(i)]);
}

/// Requests change places as wholes; the blocks of each stay in order.
void shuffle_requests(std::vector<VolatileDisk::Write>& writes, testing::Seeded& random) {
  std::map<std::uint64_t, std::uint64_t> place;
  for (const VolatileDisk::Write& write : writes) place.try_emplace(write.request, random.next());
  std::stable_sort(writes.begin(), writes.end(), [&](const VolatileDisk::Write& a, const VolatileDisk::Write& b) {
    return place[a.request] < place[b.request];
  });
}

}  // namespace

void VolatileDisk::power_cut(CutMode mode, testing::Seeded& random) {
  const std::size_t count = unflushed.size();
  if (mode == CutMode::kReorderedBlocks) shuffle(unflushed, random);
  if (mode == CutMode::kReorderedRequests) shuffle_requests(unflushed, random);
  const std::size_t pivot = count == 0 ? 0 : random.below(count + 1);
  for (std::size_t i = 0; i < count; ++i) {
    const Write& write = unflushed[i];
    bool keep = false;
    switch (mode) {
      case CutMode::kNone: keep = false; break;
      case CutMode::kAll: keep = true; break;
      case CutMode::kPrefix: keep = i < pivot; break;
      case CutMode::kSuffix: keep = i >= pivot; break;
      case CutMode::kAllButOne: keep = i != pivot; break;
      case CutMode::kRandomBlocks: keep = random.chance(50); break;
      case CutMode::kReorderedBlocks:
      case CutMode::kReorderedRequests: keep = random.chance(kKeptPercent); break;
      case CutMode::kTornSectors:
        for (std::size_t at = 0; at < write.bytes.size(); at += kSectorBytes) {
          if (random.chance(50)) {
            std::memcpy(durable.data() + write.offset + at, write.bytes.data() + at, kSectorBytes);
          }
        }
        continue;
    }
    if (keep) std::memcpy(durable.data() + write.offset, write.bytes.data(), write.bytes.size());
  }
  unflushed.clear();
  std::memcpy(cache.data(), durable.data(), durable.size());
}

std::shared_ptr<VolatileDisk> VolatileDisk::copy() const {
  auto copy = std::make_shared<VolatileDisk>(durable.size());
  copy->allocates_on_write = allocates_on_write;
  std::memcpy(copy->durable.data(), durable.data(), durable.size());
  std::memcpy(copy->cache.data(), durable.data(), durable.size());
  return copy;
}

NonDurableDevice::~NonDurableDevice() {
  // What was with the device when the power went may have reached the medium in part.
  for (const IoRequest* request : submitted_) leave_in_flight(*request);
}

void NonDurableDevice::leave_in_flight(const IoRequest& request) {
  if (request.kind != IoKind::kWrite && request.kind != IoKind::kWriteDurable) return;
  ++disk_->requests;
  for (std::uint32_t at = 0; at < request.length; at += kBlockBytes) {
    disk_->unflushed.push_back(
        {request.offset + at, std::vector<std::uint8_t>(request.buffer + at, request.buffer + at + kBlockBytes),
         disk_->requests});
  }
}

void NonDurableDevice::poll() noexcept {
  if (submitted_.empty()) return;
  std::size_t count = random_.below(submitted_.size() + 1);
  while (count-- > 0) {
    const std::size_t chosen = random_.below(submitted_.size());
    IoRequest* request = submitted_[chosen];
    submitted_.erase(submitted_.begin() + static_cast<std::ptrdiff_t>(chosen));
    finish(*request);
  }
}

void NonDurableDevice::park(int) noexcept { poll(); }

void NonDurableDevice::finish(IoRequest& request) noexcept {
  if (dead()) {
    leave_in_flight(request);
    request.error = EIO;
    request.done(request);
    return;
  }
  --lifetime_;
  std::uint8_t* place = disk_->cache.data() + request.offset;
  auto& unflushed = disk_->unflushed;
  switch (request.kind) {
    case IoKind::kRead:
      std::memcpy(request.buffer, place, request.length);
      break;
    case IoKind::kWrite:
      std::memcpy(place, request.buffer, request.length);
      leave_in_flight(request);
      break;
    case IoKind::kWriteDurable:
      std::memcpy(place, request.buffer, request.length);
      std::memcpy(disk_->durable.data() + request.offset, request.buffer, request.length);
      std::erase_if(unflushed, [&](const VolatileDisk::Write& write) {
        return write.offset >= request.offset && write.offset < request.offset + request.length;
      });
      break;
    case IoKind::kFlush:
      for (const VolatileDisk::Write& write : unflushed) {
        std::memcpy(disk_->durable.data() + write.offset, write.bytes.data(), write.bytes.size());
      }
      unflushed.clear();
      break;
  }
  request.error = 0;
  request.done(request);
}

}  // namespace ferrite::engine
