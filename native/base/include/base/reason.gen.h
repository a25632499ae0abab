// Generated from packages/errors/src/reasons.ts by tooling/codegen; do not edit.
#pragma once

#include <cstdint>
#include <string_view>

namespace ferrite::base {

/// Why an operation failed. The numbers are shared with TypeScript and never reused.
enum class Reason : std::uint16_t {
  kKeyEmpty = 1,
  kKeyTooLarge = 2,
  kValueTooLarge = 3,
  kContextInvalid = 4,
  kConfigInvalid = 5,
  kFrameMalformed = 6,
  kArgumentInvalid = 7,
  kKeyspaceNotFound = 20,
  kNodeNotFound = 21,
  kKeyspaceExists = 22,
  kProtocolMismatch = 40,
  kTopologyStale = 41,
  kStaleRead = 42,
  kSiblingsExceeded = 43,
  kSpdkNotInstalled = 44,
  kDeviceNotDurable = 45,
  kEbpfNoBtf = 46,
  kEbpfKernelTooOld = 47,
  kImageLocked = 48,
  kFormatUnknown = 49,
  kNodeIdInUse = 50,
  kTopologyConflict = 60,
  kDeviceFull = 80,
  kOverloaded = 81,
  kMessageTooLarge = 82,
  kQuorumUnavailable = 100,
  kFabricUnavailable = 101,
  kRecovering = 102,
  kShuttingDown = 103,
  kTopologyUnavailable = 104,
  kDeadlineExceeded = 120,
  kUnauthenticated = 140,
  kPermissionDenied = 141,
  kEbpfPermission = 142,
  kEbpfAttachRefused = 143,
  kPathNotWritable = 144,
  kAddressInUse = 145,
  kChecksumMismatch = 160,
  kTailAmbiguous = 161,
  kDeviceTruncated = 162,
  kDeviceFailed = 180,
  kInternal = 181,
  kUnimplemented = 200,
};

/// The reason's name as users see it.
[[nodiscard]] constexpr std::string_view reason_name(Reason reason) noexcept {
  switch (reason) {
    case Reason::kKeyEmpty:
      return "KEY_EMPTY";
    case Reason::kKeyTooLarge:
      return "KEY_TOO_LARGE";
    case Reason::kValueTooLarge:
      return "VALUE_TOO_LARGE";
    case Reason::kContextInvalid:
      return "CONTEXT_INVALID";
    case Reason::kConfigInvalid:
      return "CONFIG_INVALID";
    case Reason::kFrameMalformed:
      return "FRAME_MALFORMED";
    case Reason::kArgumentInvalid:
      return "ARGUMENT_INVALID";
    case Reason::kKeyspaceNotFound:
      return "KEYSPACE_NOT_FOUND";
    case Reason::kNodeNotFound:
      return "NODE_NOT_FOUND";
    case Reason::kKeyspaceExists:
      return "KEYSPACE_EXISTS";
    case Reason::kProtocolMismatch:
      return "PROTOCOL_MISMATCH";
    case Reason::kTopologyStale:
      return "TOPOLOGY_STALE";
    case Reason::kStaleRead:
      return "STALE_READ";
    case Reason::kSiblingsExceeded:
      return "SIBLINGS_EXCEEDED";
    case Reason::kSpdkNotInstalled:
      return "SPDK_NOT_INSTALLED";
    case Reason::kDeviceNotDurable:
      return "DEVICE_NOT_DURABLE";
    case Reason::kEbpfNoBtf:
      return "EBPF_NO_BTF";
    case Reason::kEbpfKernelTooOld:
      return "EBPF_KERNEL_TOO_OLD";
    case Reason::kImageLocked:
      return "IMAGE_LOCKED";
    case Reason::kFormatUnknown:
      return "FORMAT_UNKNOWN";
    case Reason::kNodeIdInUse:
      return "NODE_ID_IN_USE";
    case Reason::kTopologyConflict:
      return "TOPOLOGY_CONFLICT";
    case Reason::kDeviceFull:
      return "DEVICE_FULL";
    case Reason::kOverloaded:
      return "OVERLOADED";
    case Reason::kMessageTooLarge:
      return "MESSAGE_TOO_LARGE";
    case Reason::kQuorumUnavailable:
      return "QUORUM_UNAVAILABLE";
    case Reason::kFabricUnavailable:
      return "FABRIC_UNAVAILABLE";
    case Reason::kRecovering:
      return "RECOVERING";
    case Reason::kShuttingDown:
      return "SHUTTING_DOWN";
    case Reason::kTopologyUnavailable:
      return "TOPOLOGY_UNAVAILABLE";
    case Reason::kDeadlineExceeded:
      return "DEADLINE_EXCEEDED";
    case Reason::kUnauthenticated:
      return "UNAUTHENTICATED";
    case Reason::kPermissionDenied:
      return "PERMISSION_DENIED";
    case Reason::kEbpfPermission:
      return "EBPF_PERMISSION";
    case Reason::kEbpfAttachRefused:
      return "EBPF_ATTACH_REFUSED";
    case Reason::kPathNotWritable:
      return "PATH_NOT_WRITABLE";
    case Reason::kAddressInUse:
      return "ADDRESS_IN_USE";
    case Reason::kChecksumMismatch:
      return "CHECKSUM_MISMATCH";
    case Reason::kTailAmbiguous:
      return "TAIL_AMBIGUOUS";
    case Reason::kDeviceTruncated:
      return "DEVICE_TRUNCATED";
    case Reason::kDeviceFailed:
      return "DEVICE_FAILED";
    case Reason::kInternal:
      return "INTERNAL";
    case Reason::kUnimplemented:
      return "UNIMPLEMENTED";
  }
  return "INTERNAL";
}

}  // namespace ferrite::base
