// The two ways in which a server reads its sockets, straight into linear memory and by copy, on every line of
// Node, in Bun and in Deno: which one is chosen, and that everything arrives by either.
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { titled } from './clients.ts';
import { interopDir } from './paths.ts';
import { NODE_LINES, type RuntimeName } from './runtimes.ts';
import { isForeignServer, startServer } from './server.ts';
import { missing } from './tools.ts';
import { cutFrames, growth, largePayloads, manyConnections } from './traffic.ts';

const { runtimes } = inject('tools');
const reason = isForeignServer() ? 'another server is under test' : missing(runtimes);
const DIRECT = 'Reads go straight into linear memory';
const COPIED = 'Reads are copied into linear memory';
const NO_HANDLES = ['--import', join(interopDir, 'no-handles.mjs')];
/** So little address space that linear memory moves when it grows, enough for what is done here. */
const LIMIT_KIB = 2_000_000;

function executable(name: RuntimeName): string {
  if ('missing' in runtimes) throw new Error(runtimes.missing);
  return runtimes[name];
}

/** A command under a limit of address space. */
function limited(...command: string[]): string[] {
  return ['bash', '-c', `ulimit -v ${LIMIT_KIB}; exec "$@"`, 'bash', ...command];
}

/** Serves by this command, sends everything through it, and tells the ways in which sockets were read. */
async function waysOf(runtime: readonly string[]): Promise<string[]> {
  const server = await startServer({ runtime, args: ['-D'] });
  try {
    await cutFrames(server.port);
    await largePayloads(server.port);
    await manyConnections(server.port, 200);
    await growth(server.port);
    const lines = server.child.output().match(/Reads (go|are) .*/g) ?? [];
    expect(lines.length).toBeGreaterThan(200);
    return [...new Set(lines)];
  } finally {
    const { code } = await server.close();
    expect(code).toBe(0);
  }
}

describe.skipIf(reason !== undefined).each(NODE_LINES)(titled('Node %s', reason), (line) => {
  const name = `node${line}` as const;

  test('reads straight into linear memory', async () => {
    expect(await waysOf([executable(name)])).toEqual([DIRECT]);
  });

  test('reads by copy where handles are not as we know them', async () => {
    expect(await waysOf([executable(name), ...NO_HANDLES])).toEqual([COPIED]);
  });

  test('reads by copy where linear memory may move', async () => {
    const command = [executable(name), '--disable-wasm-trap-handler'];
    expect(await waysOf(limited(...command))).toEqual([COPIED]);
  });
});

describe.skipIf(reason !== undefined)(titled('other runtimes', reason), () => {
  test('Bun reads by copy', async () => {
    expect(await waysOf([executable('bun')])).toEqual([COPIED]);
  });

  test('Deno reads straight into linear memory', async () => {
    expect(await waysOf([executable('deno'), 'run', '-A'])).toEqual([DIRECT]);
  });
});
