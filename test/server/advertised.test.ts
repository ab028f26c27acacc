// The address that clients are told instead of the one that is listened on. Where nats-server is found, the same
// values are given to both.
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/server/index.ts';
import { startServer } from '../../src/testing/index.ts';
import { findReference, startReference } from '../reference.ts';
import { useScratch } from '../support/scratch.ts';

const { ends, write } = useScratch('advertised');

async function hear(port: number): Promise<Record<string, unknown>> {
  const socket = connect(port, '127.0.0.1');
  ends.push(() => socket.destroy());
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  return JSON.parse(bytes.toString().slice('INFO '.length));
}

/** Ours by a file, and what it says of itself on the wire and in monitoring. */
async function ours(value: string): Promise<{ port: number; told: unknown[] }> {
  const options = await loadConfig(write(`client_advertise: "${value}"`));
  const server = await startServer({
    ...options,
    host: '127.0.0.1',
    port: 0,
    monitoring: { port: 0 },
  });
  ends.push(() => server.close());
  const varz = (await (await fetch(`${server.monitoringUrl}/varz`)).json()) as { port: number };
  const { host, port, connect_urls } = await hear(server.port);
  expect(varz).toMatchObject({ host, port });
  return { port: server.port, told: [host, port === server.port ? 'own' : port, connect_urls] };
}

const VALUES: readonly [string, unknown[]][] = [
  ['1.2.3.4:5', ['1.2.3.4', 5, undefined]],
  ['example.com', ['example.com', 'own', undefined]],
  ['a:0', ['a', 'own', undefined]],
  ['a:-1', ['a', 'own', undefined]],
  ['[::1]:7', ['::1', 7, undefined]],
  ['[::1]', ['::1', 'own', undefined]],
  [' sp : 9 ', ['sp', 9, undefined]],
  [':8', ['', 8, undefined]],
  ['x:99999', ['x', 99999, undefined]],
];
const MISTAKES: readonly [string, string][] = [
  ['::1', 'address ::1: too many colons in address'],
  ['a:b', 'strconv.Atoi: parsing "b": invalid syntax'],
  ['a:b:c', 'address a:b:c: too many colons in address'],
  ['a:99999999999999999999', 'strconv.Atoi: parsing "99999999999999999999": value out of range'],
];

describe('what is advertised', () => {
  test.each(VALUES)('%j is told', async (value, told) => {
    expect((await ours(value)).told).toEqual(told);
  });

  test.each(MISTAKES)('%j is no address', async (value, problem) => {
    const start = startServer({ clientAdvertise: value });
    await expect(start).rejects.toThrow(
      `invalid ClientAdvertise value of ${value}, err=${problem}`,
    );
  });

  test('may change while the server runs, and clients are told of it', async () => {
    const server = await startServer({ port: 0 });
    ends.push(() => server.close());
    await server.reload({ clientAdvertise: '5.6.7.8' });
    expect(await hear(server.port)).toMatchObject({ host: '5.6.7.8', port: server.port });
    await server.reload({});
    expect(await hear(server.port)).toMatchObject({ host: '127.0.0.1', port: server.port });
  });
});

const reason = findReference() === undefined ? ' (nats-server was not found)' : '';
describe.skipIf(reason !== '')(`beside nats-server${reason}`, () => {
  test.each(VALUES)('%j is told alike', async (value, told) => {
    const theirs = await startReference(`client_advertise: "${value}"`);
    ends.push(() => theirs.close());
    const { host, port, connect_urls } = await hear(theirs.port);
    expect([host, port === theirs.port ? 'own' : port, connect_urls]).toEqual(told);
  });

  test.each(MISTAKES)('%j is refused alike', async (value, problem) => {
    await expect(startReference(`client_advertise: "${value}"`)).rejects.toThrow(problem);
  });
});
