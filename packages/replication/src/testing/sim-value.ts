import { fromLatin1, latin1 } from '../core/bytes.ts';

const NAME_MAX = 32;
const END = ';';
const FILL = 46;

/** A value with a name of its own, padded to `bytes` bytes if the name is shorter. */
export function valueOf(name: string, bytes: number): Uint8Array {
  const head = `${name} of ${bytes}${END}`;
  if (bytes <= head.length) return fromLatin1(head);
  const value = new Uint8Array(bytes).fill(FILL);
  value.set(fromLatin1(head));
  return value;
}

/** The name of a value, or all of it if it is not as it was written. */
export function valueName(value: Uint8Array): string {
  if (value.length === 0) return '';
  const head = latin1(value.subarray(0, NAME_MAX));
  const end = head.indexOf(END);
  const bytes = Number(head.slice(head.lastIndexOf(' ', end), end));
  const whole =
    end >= 0 && value.length === Math.max(bytes, end + 1) && (value.length === end + 1 || value.at(-1) === FILL);
  return whole ? head.slice(0, head.indexOf(' ')) : latin1(value);
}
