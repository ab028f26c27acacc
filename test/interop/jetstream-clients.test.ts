// Programs with streams by official clients, run against this server and against nats-server: they print the same.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runOverTcp } from '../support/one-import-jetstream.ts';
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
      ours = await startServer({ args: ['-js'] });
      theirs = await startServer({ executable: pathOf(reference), args: ['-js', '-sd', store] });
    });
    afterAll(async () => {
      await ours?.close();
      await theirs?.close();
      rmSync(store, { recursive: true, force: true });
    });

    test('nats.js', async () => {
      const expected = await runOverTcp(theirs.url);
      expect(expected).toMatchObject({ status: 0, stderr: '' });
      expect(await runOverTcp(ours.url)).toEqual(expected);
    });

    /** Runs a program on both. */
    async function agrees(command: string, args: readonly string[]): Promise<void> {
      const options = { timeoutMs: 60_000 };
      const expected = await runChild(command, [...args, theirs.url], options);
      expect(expected).toMatchObject({ code: 0 });
      const { code, output } = await runChild(command, [...args, ours.url], options);
      expect({ code, output }).toEqual({ code: 0, output: expected.output });
    }

    test.skipIf(missing(python) !== undefined).each(['streams.py', 'push.py'])(
      titled('nats-py: %s', missing(python)),
      (name) => agrees(pathOf(python), [join(interopDir, 'python', name)]),
      130_000,
    );

    test.skipIf(missing(goPeer) !== undefined).each(['streams', 'push'])(
      titled('nats.go: %s', missing(goPeer)),
      (name) => agrees(pathOf(goPeer), [name]),
      130_000,
    );
  },
);
