// Flags over what a file says, and what they ask for.
import { describe, expect, test } from 'vitest';
import { demandsOf, type Flags, stillDemanded, withFlags } from '../../src/cli/flag-values.ts';
import type { ServerValues } from '../../src/config/keys-server.ts';

describe('flags over a file', () => {
  test.each<[string, ServerValues, Flags, ServerValues]>([
    ['the flag counts', { port: 1, host: 'a' }, { port: 2 }, { port: 2, host: 'a' }],
    [
      'also when it says nothing',
      { port: 1, host: 'a' },
      { port: 0, host: '' },
      { port: 0, host: '' },
    ],
    [
      'also when it says no',
      { debug: true, logTime: true },
      { debug: false, logTime: false },
      { debug: false, logTime: false },
    ],
    ['verbose trace is trace', { traceVerbose: true }, {}, { traceVerbose: true, trace: true }],
    [
      'and is switched off with it',
      { traceHeaders: true },
      { trace: false },
      { traceHeaders: true, trace: false },
    ],
    ['both at once', {}, { debugAndTrace: true }, { debug: true, trace: true }],
    [
      'none of both',
      { debug: true },
      { trace: true, debugAndTrace: false },
      { debug: false, trace: false },
    ],
    [
      'all three',
      {},
      { debugAndVerboseTrace: true },
      { debug: true, trace: true, traceVerbose: true },
    ],
    [
      'the later letters count',
      {},
      { debugAndVerboseTrace: true, verboseTrace: false },
      { debug: true, trace: false, traceVerbose: false },
    ],
    [
      'streams are switched off',
      { jetstream: { maxFile: 1 } },
      { jetstream: false },
      { jetstream: false },
    ],
    [
      'or on, as the file has them',
      { jetstream: { maxFile: 1 } },
      { jetstream: true },
      { jetstream: { maxFile: 1 } },
    ],
    [
      'or on, as they are by default',
      { jetstream: false },
      { jetstream: true },
      { jetstream: { isEnabled: true } },
    ],
    ['encryption is switched off', { tls: { certFile: 'a' } }, { tls: false }, {}],
    [
      'a cluster gets another address',
      { cluster: { name: 'a', port: 1 } },
      { cluster: 'nats://u:p@[::1]:-1' },
      { cluster: { name: 'a', host: '::1', port: -1 } },
    ],
    [
      'or none',
      { cluster: { name: 'a', port: 1 } },
      { cluster: '' },
      { cluster: { name: 'a', port: 0 } },
    ],
    [
      'of who may come in each part counts for itself',
      { authorization: { user: 'a', password: 'p', timeoutMs: 1 } },
      { password: '', token: 't' },
      { authorization: { user: 'a', password: '', token: 't', timeoutMs: 1 } },
    ],
  ])('%s', (_title, file, flags, values) => {
    expect(withFlags(file, flags)).toEqual(values);
  });

  test('take back what the file asks for', () => {
    const still = (name: string, flags: Flags) => stillDemanded({ name, effect: 'refused' }, flags);
    expect([still('tls', {}), still('tls', { tls: false })]).toEqual([true, false]);
    expect([still('jetstream', {}), still('jetstream', { jetstream: false })]).toEqual([
      true,
      false,
    ]);
    expect([still('https_port', {}), still('https_port', { httpsPort: 0 })]).toEqual([true, false]);
    expect(still('authorization', { user: '' })).toBe(true);
  });
});

test('a flag asks for something unless it says nothing or no', () => {
  const flags: Flags = { httpsPort: 1, storeDir: '', jetstream: false, profile: 0, routes: 'x' };
  expect(demandsOf(flags)).toEqual([
    { name: '--https_port', effect: 'refused' },
    { name: '--routes', effect: 'warned' },
  ]);
  expect(demandsOf({ tls: false, tlsCert: 'a' })).toEqual([]);
  expect(demandsOf({ tlsVerify: 'optional' })).toEqual([
    { name: '--tlsverify', effect: 'refused' },
  ]);
});
