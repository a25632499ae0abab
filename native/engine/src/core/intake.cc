#include "core/intake.h"

#include "base/check.h"

namespace ferrite::engine::internal {

Intake::Intake(std::uint32_t arena_bytes, std::uint32_t group_bytes_max, std::uint32_t writes_max)
    : group_bytes_max_(group_bytes_max),
      arena_(arena_bytes),
      writes_(writes_max),
      groups_(std::make_unique<StagedGroup[]>(kGroups)),
      head_(arena_.data()),
      tail_(arena_.data()) {}

// Extends the open group by some records.
bool Intake::grow(std::uint32_t records, std::uint32_t bytes) noexcept {
  if (open_ == nullptr || open_->count + records > kGroupRecordsMax || open_->used + bytes > group_bytes_max_) return false;
  std::uint8_t* end = open_->data + base::round_up(open_->used + bytes, kBlockBytes);
  const std::uint8_t* limit = open_->data >= head_ ? arena_end() : head_ - kBlockBytes;
  if (end > limit) return false;
  tail_ = end;
  return true;
}

// Opens a group for its first records.
bool Intake::begin(std::uint32_t bytes) noexcept {
  if (open_ != nullptr) {
    ++closed_;
    open_ = nullptr;
  }
  if (closed_ - released_ == kGroups) return false;
  if (closed_ == released_) head_ = tail_ = arena_.data();
  const std::size_t need = base::round_up(kGroupHeaderBytes + bytes, kBlockBytes);
  const auto room = [](const std::uint8_t* from, const std::uint8_t* to) {
    return to > from ? static_cast<std::size_t>(to - from) : 0;
  };
  std::uint8_t* start = nullptr;
  if (tail_ >= head_) {
    if (room(tail_, arena_end()) >= need) {
      start = tail_;
    } else if (room(arena_.data() + kBlockBytes, head_) >= need) {
      start = arena_.data();  // a block stays free so that full and empty differ
    }
  } else if (room(tail_ + kBlockBytes, head_) >= need) {
    start = tail_;
  }
  if (start == nullptr) return false;
  open_ = &groups_[closed_ % kGroups];
  open_->data = start;
  open_->used = kGroupHeaderBytes;
  open_->count = 0;
  open_->first_write = writes_staged_;
  tail_ = start + need;
  return true;
}

bool Intake::reserve(std::uint32_t records, std::uint32_t bytes) noexcept {
  return writes_staged_ - writes_released_ + records <= writes_.size() && (grow(records, bytes) || begin(bytes));
}

Intake::Ticket Intake::stage(std::uint32_t bytes) noexcept {
  FERRITE_CHECK(open_ != nullptr);
  StagedWrite& write = writes_[writes_staged_++ % writes_.size()];
  write.offset = open_->used;
  write.bytes = bytes;
  write.match = Location();
  std::uint8_t* place = open_->data + open_->used;
  open_->used += bytes;
  ++open_->count;
  open_->copying.fetch_add(1, std::memory_order_relaxed);
  return {open_, &write, place};
}

StagedGroup* Intake::take() noexcept {
  if (empty()) return nullptr;
  StagedGroup* group = &groups_[taken_ % kGroups];
  // Once closed, no record can join; a copy still under way ends with a wake-up.
  if (group == open_) {
    ++closed_;
    open_ = nullptr;
  }
  if (group->copying.load(std::memory_order_acquire) != 0) return nullptr;
  ++taken_;
  return group;
}

void Intake::release(StagedGroup& group) noexcept {
  FERRITE_CHECK(&group == &groups_[released_ % kGroups] && released_ < taken_);
  ++released_;
  writes_released_ += group.count;
  if (closed_ == released_ && open_ == nullptr) {
    head_ = tail_ = arena_.data();
    return;
  }
  head_ = groups_[released_ % kGroups].data;
}

}  // namespace ferrite::engine::internal
