// One life of a disk: several boots, each ended by a power cut or cleanly, recovery sometimes cut short as well.
#pragma once

#include <cstdint>

#include "device/non_durable_device.h"
#include "torture/totals.h"

namespace ferrite::engine::torture {

/// Everything follows from the seed. Ends the program on a violation.
void live(std::uint64_t seed, CutMode mode, Totals& totals);

}  // namespace ferrite::engine::torture
