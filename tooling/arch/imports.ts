/** One import of a TypeScript or JavaScript file. */
export interface Import {
  readonly specifier: string;
  /** Erased before the code runs. */
  readonly typeOnly: boolean;
}

const COMMENT_OR_TEXT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g;

/** The code with comments and the contents of strings blanked. */
export function codeOnly(source: string): string {
  return source.replaceAll(COMMENT_OR_TEXT, (text) => (text.startsWith('/') ? ' ' : "''"));
}

/**
 * Every import, re-export and dynamic import. A dynamic import of something that is not a literal has the specifier
 * `(computed)`.
 */
export function importsOf(source: string): readonly Import[] {
  // A specifier has no spaces in it; any other text is blanked, lest it look like an import.
  const code = source.replaceAll(COMMENT_OR_TEXT, (text) => (/^[/`]|\s/.test(text) ? ' ' : text));
  const found: Import[] = [];
  for (const match of code.matchAll(
    /\b(import|export)\s+(type\s+)?(?:[\w$*\s{},]+?\sfrom\s+|(?=['"]))['"]([^'"]+)['"]/g,
  )) {
    const [text, , type, specifier = ''] = match;
    found.push({ specifier, typeOnly: type !== undefined || namesOnlyTypes(text) });
  }
  for (const [, argument = ''] of code.matchAll(/\bimport\s*\(\s*([^)]*?)[\s,]*\)/g)) {
    const literal = /^['"]([^'"]+)['"]$/.exec(argument)?.[1];
    found.push({ specifier: literal ?? '(computed)', typeOnly: false });
  }
  return found;
}

/** `import { type A, type B } from …` */
function namesOnlyTypes(statement: string): boolean {
  const names = /\{([^}]*)\}/
    .exec(statement)?.[1]
    ?.split(',')
    .map((name) => name.trim());
  const named = names?.filter((name) => name !== '') ?? [];
  return named.length > 0 && named.every((name) => name.startsWith('type '));
}

/** `@ferrite/proto/kv` to `@ferrite/proto`; undefined for relative and `node:` imports. */
export function packageOf(specifier: string): string | undefined {
  if (/^(?:\.|node:|\(|\0)/.test(specifier)) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
