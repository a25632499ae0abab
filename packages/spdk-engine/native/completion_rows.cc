#include "completion_rows.h"

#include <cstring>

namespace ferrite::addon {
namespace {

/// Records share an ArrayBuffer of this size, since making one costs as much as copying several KiB.
constexpr std::size_t kPoolBytes = 64 * 1024;
/// A record this large gets one of its own, so that keeping one value never keeps megabytes of others.
constexpr std::size_t kOwnSlabBytes = 16 * 1024;

void copy(base::Bytes from, std::uint8_t* to) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

}  // namespace

bool CompletionRows::use(Napi::Float64Array rows, Napi::Function on_batch) {
  if (rows.ElementLength() != kRowsMax * kColumns) return false;
  rows_ = rows.Data();
  array_ = Napi::Persistent(rows);
  on_batch_ = Napi::Weak(on_batch);
  return true;
}

void CompletionRows::deliver(Napi::Env env, std::span<engine::Completion> completions) {
  // Empty when the environment is being terminated: then nobody is left to tell.
  const Napi::Function callback = on_batch_.Value();
  if (callback.IsEmpty()) return;
  begin();
  for (engine::Completion& completion : completions) {
    const auto ticket = static_cast<double>(completion.tag);
    const bool is_scan = completion.kind == engine::OpKind::kScan;
    engine::RecordView record;
    bool has_record = completion.records.next(record);
    for (; is_scan && has_record; has_record = completion.records.next(record)) {
      add_record(add_row(ticket, kRecordOfPage), record);
      if (full() && !hand_over(env, callback)) return;
    }
    double* row = add_row(ticket, static_cast<double>(completion.kind));
    row[kSequence] = static_cast<double>(completion.sequence);
    if (has_record) add_record(row, record);
    if (is_scan) {
      row[kMore] = completion.more ? 1 : 0;
      row[kDamaged] = completion.damaged;
      if (completion.walk != nullptr) add_walk(row, *completion.walk);
    }
    if (completion.kind == engine::OpKind::kScrub) row[kMore] = completion.more ? 1 : 0;
    if (!completion.status.ok()) {
      row[kReason] = static_cast<double>(completion.status.reason());
      row[kSequence] = static_cast<double>(messages_.size());
      row[kGeneration] = completion.status.system_error();
      row[kEffectUnknown] = completion.status.effect() == base::Effect::kUnknown ? 1 : 0;
      messages_.push_back(completion.status.message());
    }
    if (full() && !hand_over(env, callback)) return;
  }
  if (count_ > 0) static_cast<void>(hand_over(env, callback));
}

double* CompletionRows::add_row(double ticket, double kind) {
  double* row = rows_ + count_++ * kColumns;
  row[kTicket] = ticket;
  row[kKind] = kind;
  row[kReason] = 0;
  row[kSlab] = -1;
  return row;
}

void CompletionRows::add_bytes(double* row, base::Bytes key, base::Bytes value) {
  const std::size_t bytes = key.size() + value.size();
  std::size_t slab = open_pool_;
  if (bytes >= kOwnSlabBytes) {
    slab = slabs_.size();
    slabs_.push_back({0, false});
  } else if (slab == kNone || slabs_[slab].used + bytes > kPoolBytes) {
    slab = open_pool_ = slabs_.size();
    slabs_.push_back({0, true});
  }
  const std::size_t offset = slabs_[slab].used;
  slabs_[slab].used += bytes;
  placed_.push_back({key, value, slab, offset});
  row[kSlab] = static_cast<double>(slab);
  row[kOffset] = static_cast<double>(offset);
  row[kKeyBytes] = static_cast<double>(key.size());
  row[kValueBytes] = static_cast<double>(value.size());
}

void CompletionRows::add_walk(double* row, const engine::WalkPage& page) {
  const auto* head = reinterpret_cast<const std::uint8_t*>(&page.head);
  const auto* lines = reinterpret_cast<const std::uint8_t*>(page.entries.data());
  add_bytes(row, {head, sizeof page.head}, {lines, page.entries.size() * sizeof(engine::WalkEntry)});
}

void CompletionRows::add_record(double* row, const engine::RecordView& record) {
  add_bytes(row, record.key, record.value);
  row[kSequence] = static_cast<double>(record.sequence);
  row[kGeneration] = record.generation;
  row[kExpiresAtMs] = static_cast<double>(record.expires_at_ms);
  row[kPartition] = record.partition;
  row[kHashHigh] = static_cast<double>(record.hash >> 32U);
  row[kHashLow] = static_cast<double>(record.hash & 0xffff'ffffU);
}

void CompletionRows::begin() {
  count_ = 0;
  slabs_.clear();
  placed_.clear();
  messages_.clear();
  memory_.clear();
  carried_ = 0;
  open_pool_ = kNone;
  if (pool_.IsEmpty()) return;
  // Whoever holds a record of it may have given the whole of it away.
  Napi::ArrayBuffer pool = pool_.Value();
  if (pool.ByteLength() < kPoolBytes) {
    pool_.Reset();
    return;
  }
  carried_ = 1;
  open_pool_ = 0;
  slabs_.push_back({pool_used_, true});
  memory_.push_back(static_cast<std::uint8_t*>(pool.Data()));
}

napi_value CompletionRows::make_slabs(Napi::Env env) {
  if (slabs_.size() == carried_) return env.Undefined();
  Napi::Array slabs = Napi::Array::New(env, slabs_.size());
  if (carried_ > 0) slabs.Set(0U, pool_.Value());
  for (std::size_t at = carried_; at < slabs_.size(); ++at) {
    void* data = nullptr;
    napi_value buffer = nullptr;
    const std::size_t bytes = slabs_[at].pooled ? kPoolBytes : slabs_[at].used;
    if (napi_create_arraybuffer(env, bytes, &data, &buffer) != napi_ok) return nullptr;
    memory_.push_back(static_cast<std::uint8_t*>(data));
    slabs.Set(static_cast<std::uint32_t>(at), buffer);
    if (at == open_pool_) pool_ = Napi::Persistent(Napi::ArrayBuffer(env, buffer));
  }
  return slabs;
}

bool CompletionRows::hand_over(Napi::Env env, Napi::Function callback) {
  const Napi::Value none = env.Undefined();
  napi_value arguments[4] = {Napi::Number::New(env, static_cast<double>(count_)), make_slabs(env), none, none};
  if (arguments[1] == nullptr) return false;
  for (const Placed& placed : placed_) {
    std::uint8_t* to = memory_[placed.slab] + placed.offset;
    copy(placed.key, to);
    copy(placed.value, to + placed.key.size());
  }
  if (open_pool_ != kNone) pool_used_ = slabs_[open_pool_].used;
  arguments[2] = Napi::Number::New(env, open_pool_ == kNone ? -1.0 : static_cast<double>(open_pool_));
  if (!messages_.empty()) {
    Napi::Array messages = Napi::Array::New(env, messages_.size());
    for (std::size_t at = 0; at < messages_.size(); ++at) messages.Set(static_cast<std::uint32_t>(at), messages_[at]);
    arguments[3] = messages;
  }
  const bool called = napi_call_function(env, none, callback, std::size(arguments), arguments, nullptr) == napi_ok;
  begin();
  return called;
}

}  // namespace ferrite::addon
