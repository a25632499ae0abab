import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BINDING_METHODS, binding, HANDLE_METHODS } from '../src/binding.ts';
import { COLUMN, COLUMNS, KIND, ROWS_MAX } from '../src/completion-rows.ts';
import { BATCH_WRITES_MAX, KEY_BYTES_MAX, PARTITION_BITS_MAX, VALUE_BYTES_MAX } from '../src/limits.ts';

const source = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

/** The names of a C++ enum, `kLikeThis`, as `likeThis`. */
function enumerators(text: string, name: string): string[] {
  const body = new RegExp(`enum (?:class )?${name} : [^{]*\\{([^}]*)\\}`).exec(text)?.[1] ?? '';
  return [...body.matchAll(/^\s*k(\w+)/gm)].map(([, word = '']) => word.charAt(0).toLowerCase() + word.slice(1));
}

const memory = ['memory:', 64 * 1024 * 1024, 0, true, 0, 10, 0, 0, false, '', 768, 2, 10_000, false] as const;

describe('the addon and its types', () => {
  it('export the same functions', () => {
    expect(Object.keys(binding()).sort()).toEqual(Object.keys(BINDING_METHODS).sort());
  });

  it('give an open engine the same methods', async () => {
    const handle = await binding().openEngine(...memory);
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(handle)).filter((name) => name !== 'constructor');
    expect(methods.sort()).toEqual(Object.keys(HANDLE_METHODS).sort());
    await handle.close();
  });

  it('agree on the columns and kinds of completions', () => {
    const header = source('native/completion_rows.h');
    expect(enumerators(header, 'Column')).toEqual([...Object.keys(COLUMN), 'columns']);
    expect(Object.values(COLUMN)).toEqual(Object.keys(COLUMN).map((_, index) => index));
    expect(COLUMNS).toBe(Object.keys(COLUMN).length);
    expect(header).toContain(`kRowsMax = ${ROWS_MAX};`);
    expect(header).toContain(`kRecordOfPage = ${KIND.recordOfPage};`);
    const kinds = enumerators(source('../../native/engine/include/engine/engine.h'), 'OpKind');
    expect(kinds.map((name, index) => [name, index])).toEqual(
      Object.entries(KIND).filter(([name]) => name !== 'recordOfPage'),
    );
  });

  it('agree on the limits', () => {
    const header = source('../../native/engine/include/engine/limits.h');
    expect(header).toContain(`kKeyBytesMax = ${KEY_BYTES_MAX};`);
    expect(header).toContain(`kValueBytesMax = ${VALUE_BYTES_MAX / 2 ** 20}U << 20U;`);
    expect(header).toContain(`kPartitionBitsMax = ${PARTITION_BITS_MAX};`);
    expect(header).toContain(`kBatchRecordsMax = ${BATCH_WRITES_MAX};`);
  });

  it('answer wrong arguments with a TypeError, never with undefined behaviour', async () => {
    const handle = await binding().openEngine(...memory);
    // @ts-expect-error on purpose
    expect(() => handle.append(0, 0, 0, 0, 'key', new Uint8Array())).toThrow(TypeError);
    expect(() => handle.batch(0, Float64Array.of(0, 1, 0, 0, Number.NaN, 0), new Uint8Array())).toThrow(TypeError);
    expect(() => handle.batch(0, new Float64Array(5), new Uint8Array())).toThrow(TypeError);
    expect(() => handle.batch(0, Float64Array.of(0, 1, 0, 0, 3, 0), new Uint8Array(2))).toThrow(TypeError);
    // @ts-expect-error on purpose
    expect(() => handle.batch(0, new Uint8Array(6), new Uint8Array())).toThrow(TypeError);
    // @ts-expect-error on purpose
    expect(() => handle.get()).toThrow(TypeError);
    expect(() => handle.start(new Float64Array(1), () => undefined)).toThrow(TypeError);
    expect(() => Reflect.construct(handle.constructor, [])).toThrow(TypeError);
    expect(() => Reflect.apply(Reflect.get(handle, 'flush'), {}, [0])).toThrow(TypeError);
    await handle.close();
  });
});
