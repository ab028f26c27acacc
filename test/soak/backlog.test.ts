// A disk whose sync takes for ever, where a PubAck waits for it: memory stays bounded, and who publishes is turned away in
// nats-server's words until there is room.
import { expect, test } from 'vitest';
import { BACKLOG_MESSAGES } from '../../src/jetstream/stream/backlog.ts';
import { KeptJetStream } from '../support/kept-jetstream.ts';
import { SimDisk } from '../support/sim-disk.ts';

/** Syncs wait until they are let go. */
class StuckDisk extends SimDisk {
  isStuck = false;
  #held: (() => void)[] = [];

  override later(...args: Parameters<SimDisk['later']>): Promise<void> {
    if (!this.isStuck || args[0] !== 'sync') return super.later(...args);
    return new Promise<void>((resolve) => this.#held.push(resolve)).then(() =>
      super.later(...args),
    );
  }

  letGo(): void {
    this.isStuck = false;
    for (const resolve of this.#held.splice(0)) resolve();
  }
}

const TURNS = 25;
const A_TURN = 5000;

test('a sync that takes for ever turns publishers away, and holds nothing else up for ever', async () => {
  const disk = new StuckDisk();
  const bed = KeptJetStream.start(disk, { sync: 'always' });
  await bed.stream('S', ['s.*'], { storage: 'file', allow_direct: true });
  const got = { stored: 0, refused: [] as unknown[] };
  bed.bus.subscribe('answer', (message) => {
    const { error, ...rest } = JSON.parse(message.string());
    if (error === undefined) got.stored++;
    else got.refused.push({ error, ...rest, status: message.headers?.code });
  });
  disk.isStuck = true;
  for (let turn = 0; turn < TURNS; turn++) {
    for (let i = 0; i < A_TURN; i++) bed.bus.publish('s.a', 'x', { reply: 'answer' });
    await new Promise(setImmediate);
  }
  await bed.settle();
  const kept = BACKLOG_MESSAGES;
  expect(got.stored).toBe(0);
  expect(got.refused).toHaveLength(TURNS * A_TURN - kept);
  expect(got.refused[0]).toEqual({
    error: { code: 429, err_code: 10167, description: 'too many requests' },
    stream: 'S',
    seq: 0,
    status: 429,
  });
  disk.letGo();
  while (got.stored < kept) await bed.settle();
  expect(got.stored).toBe(kept);
  expect(JSON.parse(await bed.publish('s.a'))).toEqual({ stream: 'S', seq: kept + 1 });
  await bed[Symbol.asyncDispose]();
});
