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

    test.skipIf(missing(goPeer) !== undefined)(titled('nats.go', missing(goPeer)), async () => {
      const run = (url: string): ReturnType<typeof runChild> =>
        runChild(pathOf(goPeer), ['streams', url]);
      const expected = await run(theirs.url);
      expect(expected).toMatchObject({ code: 0 });
      expect(await run(ours.url)).toMatchObject({ code: 0, output: expected.output });
    });

    test.skipIf(missing(python) !== undefined)(titled('nats-py', missing(python)), async () => {
      const run = (url: string): ReturnType<typeof runChild> =>
        runChild(pathOf(python), [join(interopDir, 'python', 'streams.py'), url]);
      const expected = await run(theirs.url);
      expect(expected.code).toBe(0);
      expect(await run(ours.url)).toMatchObject({ code: 0, output: expected.output });
    });
  },
);
