#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ferrite::base {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "ferrite: invariant violated: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace ferrite::base
