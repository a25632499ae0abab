#include "torture/image_map.h"

#include <algorithm>

#include "format/checkpoint.h"
#include "format/record.h"
#include "format/superblock.h"
#include "testing/check.h"

namespace ferrite::engine::torture {
namespace {

class Mapper {
 public:
  explicit Mapper(base::Bytes image) : image_(image) {
    Superblock other;
    EXPECT(decode_superblock(image.first(kBlockBytes), 0, superblock_) == SuperblockState::kValid);
    EXPECT(decode_superblock(image.subspan(kSuperblockStride, kBlockBytes), 1, other) == SuperblockState::kValid);
    if (other.generation > superblock_.generation) superblock_ = other;
    salt_ = image_salt(superblock_);
  }

  std::vector<Span> map() {
    for (std::uint32_t copy = 0; copy < kSuperblockCopies; ++copy) {
      add(copy * kSuperblockStride, kBlockBytes, "superblock", true);
      add(at_, kSuperblockStride - kBlockBytes, "reserved", false);
    }
    for (std::uint32_t segment = 0; segment < superblock_.segment_count; ++segment) map_segment(segment);
    for (Span& span : spans_) span.last = span.begin >= last_begin_ && span.end <= last_end_;
    return std::move(spans_);
  }

 private:
  void add(std::uint64_t begin, std::uint64_t bytes, std::string what, bool matters) {
    EXPECT(begin == at_);
    at_ += bytes;
    if (bytes > 0) spans_.push_back({begin, begin + bytes, std::move(what), matters});
  }
  [[nodiscard]] bool frame_at(std::uint64_t at, Frame& frame) const {
    std::uint32_t crc = 0;
    return decode_frame(image_.subspan(at, kBlockBytes), at, salt_, frame, crc);
  }

  void map_segment(std::uint32_t segment) {
    const std::uint64_t trailer = at_ + superblock_.segment_bytes - kBlockBytes;
    Frame first;
    Frame frame;
    if (frame_at(at_, first) && first.kind == FrameKind::kFreeMark) {
      map_block("free mark");
    } else if (frame_at(at_, first) && !(frame_at(trailer, frame) && frame.life >= first.life)) {
      while (at_ < trailer && frame_at(at_, frame) && frame.life == first.life) map_frame(frame);
    }
    static_cast<void>(segment);
    while (at_ < trailer) add(at_, kBlockBytes, all_zero(image_.subspan(at_, kBlockBytes)) ? "unused" : "remains", false);
    if (frame_at(at_, frame)) {
      map_block("free mark");
    } else {
      add(at_, kBlockBytes, "unused", false);
    }
  }
  void map_block(const char* what) { add(at_, kBlockBytes, what, true); }

  void map_frame(const Frame& frame) {
    switch (frame.kind) {
      case FrameKind::kSeal: map_block("seal"); return;
      case FrameKind::kRootPage: add(at_, frame.length, "checkpoint root", true); return;
      case FrameKind::kIndexPage: add(at_, frame.length, "checkpoint index", true); return;
      case FrameKind::kTablePage: add(at_, frame.length, "checkpoint table", true); return;
      default: break;
    }
    const std::uint64_t begin = at_;
    const bool moved = frame.kind == FrameKind::kCopies;
    const std::string of = moved ? "moved " : "";
    add(at_, kGroupHeaderBytes, of + "group header", true);
    while (at_ < begin + frame.used_bytes) map_record(of, frame);
    add(at_, frame.length - frame.used_bytes, "padding", true);
    if (frame.group > last_group_) {
      last_group_ = frame.group;
      last_begin_ = begin;
      last_end_ = at_;
    }
  }
  void map_record(const std::string& of, const Frame& frame) {
    RecordHead head;
    base::Bytes key;
    EXPECT(decode_record_head(image_.subspan(at_), at_, record_seed(salt_, frame.version, frame.life), head, key));
    const char* kind = head.flags != 0                   ? "record of a batch"
                       : head.kind == RecordKind::kPut    ? "put"
                       : head.kind == RecordKind::kRemove ? "removal"
                                                          : "drop";
    const std::uint32_t bytes = record_bytes(head.key_bytes, head.value_bytes);
    add(at_, bytes, of + kind, true);
  }

  const base::Bytes image_;
  Superblock superblock_;
  std::uint64_t salt_ = 0;
  std::uint64_t at_ = 0;
  std::uint64_t last_group_ = 0;
  std::uint64_t last_begin_ = 0;
  std::uint64_t last_end_ = 0;
  std::vector<Span> spans_;
};

}  // namespace

std::vector<Span> map_image(base::Bytes image) { return Mapper(image).map(); }

}  // namespace ferrite::engine::torture
