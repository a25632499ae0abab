import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { REASONS } from '@ferrite/errors';

/** The C++ twin of the table of reasons. */
export const HEADER_PATH: URL = new URL('../../native/base/include/base/reason.gen.h', import.meta.url);

/** The text of `reason.gen.h`, made from packages/errors/src/reasons.ts. */
export function reasonHeader(): string {
  const rows = Object.entries(REASONS);
  const camel = (name: string): string =>
    `k${name.toLowerCase().replaceAll(/(^|_)([a-z0-9])/g, (_, _sep, letter: string) => letter.toUpperCase())}`;
  return `// Generated from packages/errors/src/reasons.ts by tooling/codegen; do not edit.
#pragma once

#include <cstdint>
#include <string_view>

namespace ferrite::base {

/// Why an operation failed. The numbers are shared with TypeScript and never reused.
enum class Reason : std::uint16_t {
${rows.map(([name, spec]) => `  ${camel(name)} = ${spec.id},`).join('\n')}
};

/// The reason's name as users see it.
[[nodiscard]] constexpr std::string_view reason_name(Reason reason) noexcept {
  switch (reason) {
${rows.map(([name]) => `    case Reason::${camel(name)}:\n      return "${name}";`).join('\n')}
  }
  return "INTERNAL";
}

}  // namespace ferrite::base
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const text = reasonHeader();
  if (process.argv.includes('--check')) {
    if (readFileSync(HEADER_PATH, 'utf8') !== text) {
      process.stderr.write('reason.gen.h is stale; run: npm run codegen\n');
      process.exitCode = 1;
    }
  } else writeFileSync(HEADER_PATH, text);
}
