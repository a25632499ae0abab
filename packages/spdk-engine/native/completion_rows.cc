#include "completion_rows.h"

#include <cstring>

namespace ferrite::addon {
namespace {

/// Records share an ArrayBuffer up to this size, since making one costs as much as copying several KiB.
constexpr std::size_t kSharedSlabBytes = 64 * 1024;
/// A record this large gets one of its own, so that keeping one value never keeps megabytes of others.
constexpr std::size_t kOwnSlabBytes = 16 * 1024;

void copy(base::Bytes from, std::uint8_t* to) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

}  // namespace

bool CompletionRows::use(Napi::Float64Array rows) {
  if (rows.ElementLength() != kRowsMax * kColumns) return false;
  rows_ = rows.Data();
  array_ = Napi::Persistent(rows);
  return true;
}

void CompletionRows::deliver(Napi::Env env, Napi::Object handle, std::span<engine::Completion> completions) {
  // Empty when the environment is being terminated: then nobody is left to tell.
  const Napi::Value callback = handle.Get("onBatch");
  if (callback.IsEmpty() || !callback.IsFunction()) return;
  for (engine::Completion& completion : completions) {
    const auto ticket = static_cast<double>(completion.tag);
    const bool is_scan = completion.kind == engine::OpKind::kScan;
    engine::RecordView record;
    bool has_record = completion.records.next(record);
    for (; is_scan && has_record; has_record = completion.records.next(record)) {
      add_record(add_row(ticket, kRecordOfPage), record);
      if (full() && !hand_over(env, handle, callback.As<Napi::Function>())) return;
    }
    double* row = add_row(ticket, static_cast<double>(completion.kind));
    row[kSequence] = static_cast<double>(completion.sequence);
    if (has_record) add_record(row, record);
    if (is_scan) {
      row[kMore] = completion.more ? 1 : 0;
      row[kDamaged] = completion.damaged;
      if (completion.walk != nullptr) add_walk(row, *completion.walk);
    }
    if (!completion.status.ok()) {
      row[kReason] = static_cast<double>(completion.status.reason());
      row[kSequence] = static_cast<double>(messages_.size());
      row[kGeneration] = completion.status.system_error();
      row[kEffectUnknown] = completion.status.effect() == base::Effect::kUnknown ? 1 : 0;
      messages_.push_back(completion.status.message());
    }
    if (full() && !hand_over(env, handle, callback.As<Napi::Function>())) return;
  }
  if (count_ > 0) static_cast<void>(hand_over(env, handle, callback.As<Napi::Function>()));
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
  const bool shares = !slab_bytes_.empty() && bytes < kOwnSlabBytes && slab_bytes_.back() + bytes <= kSharedSlabBytes;
  if (!shares) slab_bytes_.push_back(0);
  const std::size_t offset = slab_bytes_.back();
  slab_bytes_.back() += bytes;
  placed_.push_back({key, value, slab_bytes_.size() - 1, offset});
  row[kSlab] = static_cast<double>(slab_bytes_.size() - 1);
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

bool CompletionRows::hand_over(Napi::Env env, Napi::Object handle, Napi::Function callback) {
  napi_value arguments[3] = {Napi::Number::New(env, static_cast<double>(count_)), env.Undefined(), env.Undefined()};
  if (!slab_bytes_.empty()) {
    Napi::Array slabs = Napi::Array::New(env, slab_bytes_.size());
    std::size_t next = 0;
    for (std::size_t slab = 0; slab < slab_bytes_.size(); ++slab) {
      void* data = nullptr;
      napi_value buffer = nullptr;
      if (napi_create_arraybuffer(env, slab_bytes_[slab], &data, &buffer) != napi_ok) return false;
      for (; next < placed_.size() && placed_[next].slab == slab; ++next) {
        const Placed& placed = placed_[next];
        std::uint8_t* to = static_cast<std::uint8_t*>(data) + placed.offset;
        copy(placed.key, to);
        copy(placed.value, to + placed.key.size());
      }
      napi_set_element(env, slabs, static_cast<std::uint32_t>(slab), buffer);
    }
    arguments[1] = slabs;
  }
  if (!messages_.empty()) {
    Napi::Array messages = Napi::Array::New(env, messages_.size());
    for (std::size_t at = 0; at < messages_.size(); ++at) messages.Set(static_cast<std::uint32_t>(at), messages_[at]);
    arguments[2] = messages;
  }
  count_ = 0;
  slab_bytes_.clear();
  placed_.clear();
  messages_.clear();
  return napi_call_function(env, handle, callback, 3, arguments, nullptr) == napi_ok;
}

}  // namespace ferrite::addon
