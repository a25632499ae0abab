import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatEndpoint, parseEndpoint } from './address.ts';

it('reads the three forms of an address', () => {
  expect(parseEndpoint('127.0.0.1:7401')).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 7401 });
  expect(parseEndpoint('[::1]:0')).toEqual({ kind: 'tcp', host: '::1', port: 0 });
  expect(parseEndpoint('unix:/run/ferrite.sock')).toEqual({ kind: 'unix', path: '/run/ferrite.sock' });
});

it.each([
  '',
  'host',
  ':1',
  'host:',
  'host:65536',
  'host:-1',
  'a b:1',
  '::1:80',
  'http://h:1',
  'unix:',
  `unix:/${'x'.repeat(120)}`,
])('refuses %j with CONFIG_INVALID, naming it', (text) => {
  expect(() => parseEndpoint(text)).toThrow(
    expect.objectContaining({ reason: 'CONFIG_INVALID', details: { address: text } }),
  );
});

it('prints what it reads', () => {
  const tcp = fc.record({
    kind: fc.constant('tcp' as const),
    host: fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().filter((ip) => !ip.includes('%')),
    ),
    port: fc.nat(65_535),
  });
  fc.assert(
    fc.property(tcp, (endpoint) => {
      expect(parseEndpoint(formatEndpoint(endpoint))).toEqual(endpoint);
    }),
  );
});
