// Programs with streams by official clients, run against this server and against nats-server: they print the same.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runOverTcp, STORES, STREAMS } from '../support/one-import-jetstream.ts';
import { runChild } from './child.ts';
import { titled } from './clients.ts';
import { interopDir } from './paths.ts';
import { type Server, startServer } from './server.ts';
import { missing, pathOf } from './tools.ts';

const { goPeer, python, reference } = inject('tools');

describe.skipIf(missing(reference) !== undefined)(
  titled('programs with streams', missing(reference)),
  () => {
    let store: string;
    let ours: Server;
    let theirs: Server;

    beforeAll(async () => {
      store = mkdtempSync(join(tmpdir(), 'ganglion-js-store-'));
      ours = await startServer({ args: ['-js', '-sd', store] });
      theirs = await startServer({ executable: pathOf(reference), args: ['-js', '-sd', store] });
    });
    afterAll(async () => {
      await ours?.close();
      await theirs?.close();
      rmSync(store, { recursive: true, force: true });
    });

    test.each([STREAMS, STORES])('nats.js, %s', async (program) => {
      const expected = await runOverTcp(program, theirs.url);
      expect(expected).toMatchObject({ status: 0, stderr: '' });
      expect(await runOverTcp(program, ours.url)).toEqual(expected);
    });

    /** Runs a program on both. */
    async function agrees(command: string, args: readonly string[]): Promise<void> {
      const expected = await runChild(command, [...args, theirs.url], { timeoutMs: 60_000 });
      expect(expected).toMatchObject({ code: 0 });
      const { code, output } = await runChild(command, [...args, ours.url], { timeoutMs: 60_000 });
      expect({ code, output }).toEqual({ code: 0, output: expected.output });
    }

    test.skipIf(missing(goPeer) !== undefined).each(['streams', 'stores', 'push'])(
      titled('nats.go, %s', missing(goPeer)),
      (name) => agrees(pathOf(goPeer), [name]),
      130_000,
    );

    test.skipIf(missing(python) !== undefined).each(['streams', 'stores', 'push'])(
      titled('nats-py, %s', missing(python)),
      (name) => agrees(pathOf(python), [join(interopDir, 'python', `${name}.py`)]),
      130_000,
    );
  },
);
