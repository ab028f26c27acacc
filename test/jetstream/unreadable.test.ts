// Messages that cannot be read: for a moment, which is an error of the request and no reason to pass them over; or for
// ever, because what lies on disk is damaged.
import { afterEach, describe, expect, test } from 'vitest';
import { KeptJetStream } from '../support/kept-jetstream.ts';
import { SimDisk } from '../support/sim-disk.ts';

let bed: KeptJetStream;
let disk: SimDisk;
let told: string[];
let laterMs = 0;
afterEach(async () => {
  disk.fails = () => undefined;
  await bed[Symbol.asyncDispose]();
});

/** A stream with messages that another process has written: nothing of them is in memory. */
async function open(config: object, texts = ['one', 'two', 'three']): Promise<void> {
  disk = new SimDisk();
  laterMs = 0;
  bed = KeptJetStream.start(disk);
  await bed.stream('S', ['s.*'], { storage: 'file', allow_direct: true, ...config });
  // A turn for each: a frame for each.
  for (const text of texts) await bed.publish(`s.${text}`, text);
  const never = { 'Nats-TTL': 'never' };
  for (let i = 1; 'allow_msg_ttl' in config && i <= FILLERS; i++) {
    await bed.publish(`s.filler${i}`, 'x'.repeat(70_000), never);
  }
  await restarted();
}

async function restarted(): Promise<void> {
  const next = disk.afterEnd();
  bed.stop();
  disk = next;
  told = [];
  // Late enough that no ids are read.
  laterMs += 200_000;
  bed = KeptJetStream.start(disk, { warn: (text) => void told.push(text), laterMs });
  await bed.settle();
}

const FILLERS = 12;

/** What a stream whose messages have lives of their own has read at its start is not in memory any more. */
async function forgotten(): Promise<void> {
  for (let i = FILLERS; i > 0; i--) await bed.ask(`$JS.API.DIRECT.GET.S.s.filler${i}`);
}

const unreadable = (): void => {
  disk.fails = (verb) => (verb === 'read' || verb === 'open' ? 'EMFILE' : undefined);
};

/** Flips a bit of the body of that text. */
function damage(text: string): void {
  for (const [name, { bytes }] of disk.names) {
    const at = name.includes('/messages/') ? Buffer.from(bytes.buffer).lastIndexOf(text) : -1;
    if (at >= 0) bytes[at] = (bytes[at] as number) ^ 1;
  }
}

async function consumer(config: object = {}): Promise<() => Promise<string[]>> {
  const full = { durable_name: 'C', ack_policy: 'explicit', ...config };
  await bed.api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config: full });
  const got = bed.inbox('got');
  bed.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '{"batch":10}', { reply: 'got' });
  return async () => {
    await bed.settle();
    return got.filter(({ status }) => status === 0).map(({ text }) => text);
  };
}

describe('what cannot be read now', () => {
  test('is an error of the request, and is told once', async () => {
    await open({});
    unreadable();
    for (let i = 0; i < 2; i++) {
      expect(await bed.api('STREAM.MSG.GET.S', { seq: 1 })).toMatchObject({
        error: { code: 503, err_code: 10077, description: expect.stringContaining('EMFILE') },
      });
      const { headers } = (await bed.ask('$JS.API.DIRECT.GET.S.s.one')).message;
      expect(headers).toMatchObject({ code: 500 });
      expect(headers?.description).toContain('EMFILE');
    }
    const batch = bed.inbox('batch');
    bed.bus.publish('$JS.API.DIRECT.GET.S', '{"seq":1,"batch":3}', { reply: 'batch' });
    await bed.settle();
    expect(batch).toMatchObject([{ status: 500 }]);
    expect(told).toEqual([expect.stringMatching(/^message 1 cannot be read: .*EMFILE/)]);
    disk.fails = () => undefined;
    expect(await bed.api('STREAM.MSG.GET.S', { seq: 1 })).toHaveProperty('message');
    expect(await bed.state('S')).not.toHaveProperty('lost');
  });

  test.each([{}, { deliver_subject: 'got' }])(
    'is delivered as soon as it can be: %j',
    async (config) => {
      await open({});
      unreadable();
      const got = await consumer(config);
      expect(await got()).toEqual([]);
      bed.clock.advance(1100);
      expect(await got()).toEqual([]);
      disk.fails = () => undefined;
      bed.clock.advance(1100);
      expect(await got()).toEqual(['one', 'two', 'three']);
      expect(await bed.api('CONSUMER.INFO.S.C')).toMatchObject({ num_ack_pending: 3 });
    },
  );

  test('is delivered again as soon as it can be', async () => {
    await open({});
    const got = await consumer({ ack_wait: 2e9 });
    expect(await got()).toHaveLength(3);
    await restarted();
    unreadable();
    const again = await consumer({ ack_wait: 2e9 });
    bed.clock.advance(2100);
    expect(await again()).toEqual([]);
    disk.fails = () => undefined;
    bed.clock.advance(2100);
    expect(await again()).toEqual(['one', 'two', 'three']);
  });

  test('does not leave because of its time when it must be read for that', async () => {
    const config = { max_age: 500e9, subject_delete_marker_ttl: 60e9, allow_msg_ttl: true };
    await open({ ...config, allow_rollup_hdrs: true }, ['one']);
    await forgotten();
    unreadable();
    bed.clock.advance(400_000);
    await bed.settle();
    expect(await bed.state('S')).toMatchObject({ messages: 1 + FILLERS, first_seq: 1 });
    disk.fails = () => undefined;
    bed.clock.advance(1100);
    await bed.settle();
    expect(await bed.state('S')).toMatchObject({ messages: 1 + FILLERS, first_seq: 2 });
    const { headers } = (await bed.ask('$JS.API.DIRECT.GET.S.s.one')).message;
    expect(headers?.get('Nats-Marker-Reason')).toBe('MaxAge');
  });
});

describe('what is damaged', () => {
  test('is lost: that is told with its sequence, and counted', async () => {
    await open({});
    damage('two');
    for (let i = 0; i < 2; i++) {
      expect(await bed.api('STREAM.MSG.GET.S', { seq: 2 })).toMatchObject({
        error: { err_code: 10037 },
      });
    }
    const { headers } = (await bed.ask('$JS.API.DIRECT.GET.S.s.two')).message;
    expect(headers).toMatchObject({ code: 404 });
    expect(told).toEqual([expect.stringMatching(/is damaged: message 2 is lost$/)]);
    expect(await bed.state('S')).toMatchObject({ messages: 3, lost: { msgs: [2], bytes: 3 } });
  });

  test('is passed over by consumers, and by who asks for many', async () => {
    await open({});
    damage('two');
    const got = await consumer();
    expect(await got()).toEqual(['one', 'three']);
    const batch = bed.inbox('batch');
    bed.bus.publish('$JS.API.DIRECT.GET.S', '{"seq":1,"batch":3}', { reply: 'batch' });
    await bed.settle();
    expect(batch.map(({ text }) => text)).toEqual(['one', 'three', '']);
  });

  test('leaves when its time is over, with a mark for its own subject', async () => {
    const config = { max_age: 500e9, subject_delete_marker_ttl: 60e9, allow_msg_ttl: true };
    await open({ ...config, allow_rollup_hdrs: true }, ['one', 'two']);
    await forgotten();
    damage('two');
    bed.clock.advance(305_000);
    await bed.settle();
    expect(await bed.state('S')).toMatchObject({ first_seq: 3, lost: { msgs: [2] } });
    for (const subject of ['s.one', 's.two']) {
      const { headers } = (await bed.ask(`$JS.API.DIRECT.GET.S.${subject}`)).message;
      expect(headers?.get('Nats-Marker-Reason')).toBe('MaxAge');
    }
  });
});
