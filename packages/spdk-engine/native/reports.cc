#include "reports.h"

#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace ferrite::addon {
namespace {

template <typename T>
Napi::Number number(Napi::Env env, T value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

std::string hex(const std::uint8_t (&bytes)[16]) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xfU];
  }
  return text;
}

const char* name(engine::DeviceKind kind) {
  switch (kind) {
    case engine::DeviceKind::kMemory:
      return "memory";
    case engine::DeviceKind::kUring:
      return "uring";
    case engine::DeviceKind::kPool:
      return "pool";
    case engine::DeviceKind::kSpdk:
      return "spdk";
  }
  return "";
}

Napi::Array damaged_to_js(Napi::Env env, const std::vector<engine::Damage>& damaged) {
  Napi::Array array = Napi::Array::New(env, damaged.size());
  for (std::size_t at = 0; at < damaged.size(); ++at) {
    const engine::Damage& damage = damaged[at];
    Napi::Object object = Napi::Object::New(env);
    if (damage.keyspace) object.Set("keyspace", number(env, *damage.keyspace));
    if (damage.partition) object.Set("partition", number(env, *damage.partition));
    object.Set("reason", number(env, static_cast<unsigned>(damage.reason)));
    array.Set(static_cast<std::uint32_t>(at), object);
  }
  return array;
}

}  // namespace

Napi::Object report_to_js(Napi::Env env, const engine::Engine& engine) {
  const engine::OpenReport& report = engine.report();
  Napi::Object object = Napi::Object::New(env);
  object.Set("created", report.created);
  object.Set("clean", report.clean);
  object.Set("tail", report.tail == engine::Tail::kSealed ? "sealed" : "ambiguous");
  object.Set("deviceKind", name(report.device_kind));
  if (!report.driver_fallback_reason.empty()) object.Set("driverFallbackReason", report.driver_fallback_reason);
  object.Set("durability", report.durability);
  object.Set("deviceDurable", report.device_durable);
  object.Set("imageId", hex(report.image_id));
  object.Set("bootCount", number(env, report.boot_count));
  object.Set("sizeBytes", number(env, report.size_bytes));
  object.Set("segmentBytes", number(env, report.segment_bytes));
  object.Set("partitionBits", number(env, report.partition_bits));
  object.Set("valueBytesMax", number(env, engine.value_bytes_max()));
  object.Set("batchBytesMax", number(env, engine.batch_bytes_max()));
  object.Set("records", number(env, report.record_count));
  object.Set("recordBytes", number(env, report.record_bytes));
  object.Set("nextSequence", number(env, report.next_sequence));
  object.Set("replayMs", number(env, report.replay_ms));
  object.Set("fromCheckpoint", report.from_checkpoint);
  object.Set("replayedRecords", number(env, report.replayed_records));
  object.Set("replayedBytes", number(env, report.replayed_bytes));
  object.Set("salvaged", number(env, report.salvaged));
  object.Set("damaged", damaged_to_js(env, report.damaged));
  return object;
}

Napi::Object stats_to_js(Napi::Env env, const engine::EngineStats& stats) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("records", number(env, stats.records));
  object.Set("recordBytes", number(env, stats.record_bytes));
  object.Set("segmentsTotal", number(env, stats.segments_total));
  object.Set("segmentsFree", number(env, stats.segments_free));
  object.Set("freeBytes", number(env, stats.free_bytes));
  object.Set("appends", number(env, stats.appends));
  object.Set("removes", number(env, stats.removes));
  object.Set("expired", number(env, stats.expired));
  object.Set("gets", number(env, stats.gets));
  object.Set("scans", number(env, stats.scans));
  object.Set("groups", number(env, stats.groups));
  object.Set("seals", number(env, stats.seals));
  object.Set("flushes", number(env, stats.flushes));
  object.Set("writtenBytes", number(env, stats.written_bytes));
  object.Set("userBytes", number(env, stats.user_bytes));
  object.Set("movedBytes", number(env, stats.moved_bytes));
  object.Set("checkpointBytes", number(env, stats.checkpoint_bytes));
  object.Set("checkpoints", number(env, stats.checkpoints));
  object.Set("preparedBytes", number(env, stats.prepared_bytes));
  object.Set("readBytes", number(env, stats.read_bytes));
  object.Set("deviceReads", number(env, stats.device_reads));
  object.Set("indexBytes", number(env, stats.index_bytes));
  object.Set("checksumFailures", number(env, stats.checksum_failures));
  object.Set("refusedFull", number(env, stats.refused_full));
  object.Set("refusedOverloaded", number(env, stats.refused_overloaded));
  return object;
}

Napi::Value latency_to_js(Napi::Env env, engine::LatencyMemory latency) {
  auto* memory = const_cast<std::uint8_t*>(latency.bytes.data());  // JavaScript knows no read-only buffers
  auto owner = std::make_unique<std::shared_ptr<const void>>(std::move(latency.owner));
  return Napi::ArrayBuffer::New(
      env, memory, latency.bytes.size(),
      [](Napi::BasicEnv, void*, std::shared_ptr<const void>* kept) { delete kept; }, owner.release());
}

Napi::Object progress_to_js(Napi::Env env, const engine::ScrubProgress& progress) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("running", progress.running);
  object.Set("bytes", number(env, progress.bytes_done));
  object.Set("bytesTotal", number(env, progress.bytes_total));
  object.Set("startedAtMs", number(env, progress.started_at_ms));
  object.Set("finishedAtMs", number(env, progress.finished_at_ms));
  object.Set("damagedRecords", number(env, progress.damaged_records));
  object.Set("damagedPlaces", number(env, progress.damaged_places));
  return object;
}

Napi::Array damage_to_js(Napi::Env env, const std::vector<engine::DamageReport>& reports) {
  constexpr const char* kSources[] = {"open", "read", "scrub", "compaction"};
  Napi::Array array = Napi::Array::New(env, reports.size());
  for (std::size_t at = 0; at < reports.size(); ++at) {
    const engine::DamageReport& report = reports[at];
    Napi::Object object = Napi::Object::New(env);
    if (report.keyspace) object.Set("keyspace", number(env, *report.keyspace));
    if (report.partition) object.Set("partition", number(env, *report.partition));
    if (!report.key.empty()) {
      Napi::Uint8Array key = Napi::Uint8Array::New(env, report.key.size());
      std::memcpy(key.Data(), report.key.data(), report.key.size());
      object.Set("key", key);
    }
    object.Set("reason", number(env, static_cast<unsigned>(report.reason)));
    object.Set("source", kSources[static_cast<std::size_t>(report.source)]);
    array.Set(static_cast<std::uint32_t>(at), object);
  }
  return array;
}

}  // namespace ferrite::addon
