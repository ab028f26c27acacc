// A process with a work queue on disk is killed at random moments, again and again on one directory: what it was told to be
// stored is there once, and what it was told to be acknowledged is not. CRASH_ROUNDS makes it longer.
import { deepStrictEqual, ok } from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { DiskPlace } from '../../src/jetstream/place/disk-place.ts';
import { systemDisk } from '../../src/jetstream/store/file/disk.ts';
import { bundleFile, type Program } from '../support/bundle.ts';
import { newDirectory, removeDirectories } from '../support/file-stores.ts';
import { JetStreamBus } from '../support/jetstream.ts';
import { CRASH_SEED, crashRounds, killedAfter } from '../support/killed.ts';
import { randomOf } from '../support/sim-disk.ts';

const ROUNDS = crashRounds(4);

let program: Program;
beforeAll(async () => {
  program = await bundleFile('test/support/jetstream-writer.ts');
}, 60_000);
afterAll(() => {
  program.remove();
  removeDirectories();
});

/** What is said of a write, or of a new segment, in whose middle a process was killed. */
const UNFINISHED = /was not written whole: it is cut$|was not made whole: it is removed$/;

/** What the processes were told, one after the other. */
interface Told {
  readonly stored: Map<number, string>;
  readonly confirmed: Set<number>;
}

/** Adds what a process has said. */
function hear(lines: readonly string[], told: Told): void {
  for (const line of lines) {
    const [kind, seq, id = ''] = line.split(' ');
    if (kind === 'p') {
      ok(!told.stored.has(Number(seq)), `sequence ${seq} was given twice`);
      told.stored.set(Number(seq), id);
    } else if (kind === 'a') {
      told.confirmed.add(Number(seq));
    }
  }
}

async function check(dir: string, told: Told, sync: number | 'always'): Promise<void> {
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  const bed = new JetStreamBus();
  // What waits was delivered by another clock.
  bed.clock.advance(Date.now() - bed.clock.now());
  const place = { disk: systemDisk(), clock: bed.clock, dir: `${dir}/ganglion/%24%47/streams` };
  JetStreamBus.in(new DiskPlace({ ...place, sync, warn }), {}, bed);
  deepStrictEqual(
    warnings.filter((text) => !UNFINISHED.test(text)),
    [],
  );
  const { last_seq } = await bed.state('S');
  ok(Number(last_seq) >= Math.max(...told.stored.keys()), `last sequence ${last_seq}`);
  const { delivered, ack_floor } =
    await bed.api<Record<string, { stream_seq: number }>>('CONSUMER.INFO.S.C');
  ok((delivered?.stream_seq ?? Infinity) <= Number(last_seq));
  ok((ack_floor?.stream_seq ?? Infinity) <= Number(last_seq));
  const got = bed.inbox('got');
  bed.clock.advance(2000);
  await bed.settle();
  for (let before = -1, count = 0; before < count; ) {
    before = count;
    const start = got.length;
    const body = '{"batch":500,"no_wait":true}';
    bed.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', body, { reply: 'got' });
    const isOver = (): boolean =>
      got.length - start >= 500 || got.slice(start).some(({ status }) => status !== 0);
    while (!isOver()) await bed.settle();
    for (const { reply, status } of got.slice(start)) {
      if (status !== 0) continue;
      count++;
      bed.bus.publish(reply, '+ACK');
    }
    await bed.settle();
  }
  const left = new Map<number, string>();
  for (const { reply, text, status } of got) {
    if (status !== 0) continue;
    const seq = Number(reply.split('.').at(-4));
    ok(!left.has(seq), `sequence ${seq} was delivered twice`);
    ok(!told.confirmed.has(seq), `sequence ${seq} was acknowledged and has come again`);
    left.set(seq, text);
  }
  const texts = [...left.values()];
  deepStrictEqual(new Set(texts).size, texts.length);
  for (const [seq, id] of told.stored) {
    if (left.get(seq) === id || told.confirmed.has(seq)) continue;
    // An ack may have been obeyed whose confirmation was not heard: of others the message must be there.
    ok(seq % 3 > 0, `sequence ${seq} is lost`);
  }
  await bed[Symbol.asyncDispose]();
}

describe('a work queue whose process is killed', () => {
  it.each([120_000, 'always'] as const)(
    'loses nothing that was stored, and delivers nothing again that was acknowledged, sync %s',
    async (sync) => {
      const random = randomOf(CRASH_SEED);
      const dir = newDirectory();
      const told: Told = { stored: new Map(), confirmed: new Set() };
      for (let round = 0; round < ROUNDS; round++) {
        const lines = 1 + Math.floor(random() * 4000);
        const args = [dir, String(sync), String(round)];
        hear(await killedAfter(lines, program.path, args), told);
        // The next process finds what the last one left.
        const copy = newDirectory();
        cpSync(dir, copy, {
          recursive: true,
          filter: (path) => !path.endsWith('.sock'),
        });
        await check(copy, told, sync);
        rmSync(copy, { recursive: true });
      }
      ok(told.stored.size > 0 && told.confirmed.size > 0, 'nothing was said');
    },
    15_000 * ROUNDS,
  );
});
