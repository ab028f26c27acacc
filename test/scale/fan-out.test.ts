// One message to 10,000 connections that read: everybody gets it once, and it costs memory once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Child, closeAll, startChild } from './child.ts';
import type { ReadersCommands } from './programs/readers.ts';
import type { ServerCommands } from './programs/server.ts';

const READERS = 10_000;
const MIB = 1024 * 1024;
const OPEN_TIMEOUT_MS = 60_000;

let server: Child<ServerCommands>;
let readers: Child<ReadersCommands>;
const children: Child<never>[] = [];

beforeAll(async () => {
  server = await startChild<ServerCommands>('server');
  children.push(server);
  readers = await startChild<ReadersCommands>('readers');
  children.push(readers);
  const port = await server.ask('start', {});
  await readers.ask('open', port, READERS, 'news');
}, OPEN_TIMEOUT_MS);

afterAll(() => closeAll(children));

describe('a message to 10,000 connections that read', () => {
  // The small message comes first: memory that the large one took would hide its own.
  test.each([
    { bytes: 100, growthMax: 128 * MIB },
    { bytes: MIB, growthMax: 512 * MIB },
  ])('of $bytes bytes reaches each exactly once within $growthMax bytes more', async (message) => {
    const idle = await server.ask('watch');
    const outcome = await readers.ask('round', message.bytes);
    const growth = (await server.ask('peak')) - idle;
    const milliseconds = Math.round(outcome.milliseconds);
    console.log(`${message.bytes} B: ${milliseconds} ms, ${(growth / MIB).toFixed(1)} MiB more`);
    expect(outcome).toMatchObject({ problems: [], closed: 0 });
    expect(growth).toBeLessThan(message.growthMax);
    expect(await server.ask('ended')).toEqual([]);
  });
});
