// The SPDK device of a build without SPDK. A static library offers this object; a program that brings spdk_device.cc
// itself has both functions already, so the linker leaves this one out.
#include "device/spdk_device.h"

namespace ferrite::engine {

base::Result<std::unique_ptr<BlockDevice>> open_spdk_device(const OpenOptions&) {
  return base::Status(base::Reason::kSpdkNotInstalled,
                      "this build has no SPDK: install SPDK, set FERRITE_SPDK_ROOT to it and build again");
}

SpdkSupport probe_spdk() { return {}; }

}  // namespace ferrite::engine
