// Static probes (USDT) for bpftrace, perf and SystemTap. Threads: any.
//
// FERRITE_PROBE(provider, name, arguments...) leaves one `nop` and an ELF note that says where it is and where its
// arguments lie; without a tracer it costs that `nop`. Arguments are numbers that are at hand, up to twelve. Without
// <sys/sdt.h> (Debian: systemtap-sdt-dev) it is nothing.
#pragma once

#if __has_include(<sys/sdt.h>)
#define SDT_USE_VARIADIC
#include <sys/sdt.h>
#define FERRITE_PROBE(provider, name, ...) STAP_PROBEV(provider, name, __VA_ARGS__)
#else
namespace ferrite::base {
template <typename... Numbers>
constexpr void no_probe(const Numbers&...) noexcept {}
}  // namespace ferrite::base
#define FERRITE_PROBE(provider, name, ...) ::ferrite::base::no_probe(__VA_ARGS__)
#endif
