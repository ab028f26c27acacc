// A request for 'all': it ends when everybody asked in this process is through.
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import {
  type Bus,
  createBus,
  type Message,
  type RequestManyOptions,
  type Subscription,
} from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';
import { FakeClock } from '../support/fake-clock.ts';

const MAX_WAIT = 5000;

async function ask(bus: Bus, options: RequestManyOptions = {}): Promise<unknown[]> {
  const seen: unknown[] = [];
  const all = { strategy: 'all', maxWait: MAX_WAIT, ...options } as const;
  for await (const msg of await bus.requestMany('q', '', all)) seen.push(msg.value);
  return seen;
}

function setup(onError: (error: unknown) => void = () => {}): { bus: Bus; clock: FakeClock } {
  const clock = new FakeClock();
  return { bus: createBus({ clock, onError }), clock };
}

/** A promise to be settled from outside. */
function gate(): { opened: Promise<void>; open: () => void; fail: (error: Error) => void } {
  let open = (): void => {};
  let fail = (_error: Error): void => {};
  const opened = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { opened, open, fail };
}

function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const turn = new Promise((resolve) => setImmediate(resolve, 'turn'));
  return Promise.race([promise, turn]).then((winner) => winner !== 'turn');
}

describe("a request for 'all'", () => {
  it('ends at once when all handlers have returned, with every answer of theirs', async () => {
    const { bus, clock } = setup();
    bus.subscribe('q', (msg) => {
      msg.respond(1);
      msg.respond(2);
    });
    bus.subscribe('*', (msg) => void msg.respond(3));
    bus.subscribe('>', () => {});
    expect(await ask(bus)).toEqual([1, 2, 3]);
    expect(clock.timerCount).toBe(0);
  });

  it('waits for handlers that are asynchronous, until they answer or settle', async () => {
    const { bus, clock } = setup();
    const answering = gate();
    const settling = gate();
    bus.subscribe('q', async (msg) => {
      await answering.opened;
      msg.respond('answered');
      await new Promise(() => {});
    });
    bus.subscribe('q', async () => settling.opened);
    const asked = ask(bus);
    expect(await isSettled(asked)).toBe(false);
    answering.open();
    expect(await isSettled(asked)).toBe(false);
    settling.open();
    expect(await asked).toEqual(['answered']);
    expect(clock.timerCount).toBe(0);
  });

  it('does not wait for those that throw or reject, and reports them', async () => {
    const errors: unknown[] = [];
    const { bus } = setup((error) => errors.push((error as Error).message));
    const rejecting = gate();
    bus.subscribe('q', () => {
      throw new Error('thrown');
    });
    bus.subscribe('q', () => rejecting.opened);
    bus.subscribe('q', { callback: (_, msg) => void msg.respond('fine') });
    const asked = ask(bus);
    expect(await isSettled(asked)).toBe(false);
    rejecting.fail(new Error('rejected'));
    expect(await asked).toEqual(['fine']);
    expect(errors).toEqual(['thrown', 'rejected']);
  });

  it('calls `then` of what a handler returns once', async () => {
    const { bus } = setup();
    let count = 0;
    bus.subscribe('q', () => ({
      // biome-ignore lint/suspicious/noThenProperty: a lazy promise, as query builders are
      then: (resolve: () => void) => {
        count++;
        resolve();
      },
    }));
    expect(await ask(bus)).toEqual([]);
    expect(count).toBe(1);
  });

  it('asks one member of each queue group', async () => {
    const { bus } = setup();
    for (const name of ['a', 'b', 'c']) {
      bus.subscribe('q', (msg) => msg.respond(name), { queue: 'group' });
    }
    expect(await ask(bus)).toHaveLength(1);
  });

  it('counts members with a max, and those that come by a subscription of its own', async () => {
    const { bus } = setup();
    bus.subscribe('q', (msg) => void msg.respond(1), { max: 1 });
    bus.subscribe('q', (msg) => void msg.respond(2), { timeout: 9999 });
    expect(await ask(bus, { noMux: true })).toEqual([1, 2]);
  });

  it('works inside a handler, where it waits for its turn', async () => {
    const { bus } = setup();
    bus.subscribe('q', (msg) => void msg.respond('deep'));
    const answers = new Promise((resolve) => {
      bus.subscribe('start', () => void ask(bus).then(resolve));
    });
    bus.publish('start');
    expect(await answers).toEqual(['deep']);
  });

  it('fails like any other when nobody is there, its bus closes or its signal is aborted', async () => {
    const { bus } = setup();
    await expect(ask(bus)).rejects.toMatchObject({ name: 'NoResponders' });
    bus.subscribe('q', () => new Promise(() => {}));
    const controller = new AbortController();
    const aborted = ask(bus, { signal: controller.signal });
    await null;
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    const asked = ask(bus);
    await null;
    await bus.close();
    await expect(asked).rejects.toMatchObject({ name: 'RequestError' });
  });

  it('leaves nothing behind', async () => {
    const { bus } = setup();
    const { tallies } = internalsOf(bus).home.account;
    bus.subscribe('q', () => new Promise(() => {}));
    const asked = await bus.requestMany('q', '', { strategy: 'all' });
    expect(tallies.size).toBe(1);
    await asked[Symbol.asyncIterator]().return?.();
    expect(tallies.size).toBe(0);
  });
});

describe("a request for 'all' and loops", () => {
  async function loop(sub: Subscription, take: (msg: Message) => boolean): Promise<void> {
    for await (const msg of sub) if (take(msg)) break;
  }

  it('waits for their answer', async () => {
    const { bus } = setup();
    void loop(bus.subscribe('q'), (msg) => {
      msg.respond('responded');
      return false;
    });
    void loop(bus.subscribe('q'), (msg) => {
      bus.respondMessage(msg);
      return false;
    });
    expect(await ask(bus)).toEqual(['responded', '']);
  });

  it('or until they are left, or maxWait', async () => {
    const { bus, clock } = setup();
    void loop(bus.subscribe('q'), () => true);
    expect(await ask(bus)).toEqual([]);
    void loop(bus.subscribe('q'), () => false);
    const asked = ask(bus);
    expect(await isSettled(asked)).toBe(false);
    clock.advance(MAX_WAIT);
    expect(await asked).toEqual([]);
  });
});

describe("a request for 'all' and peers", () => {
  it('waits for them until maxWait', async () => {
    const { bus, clock } = setup();
    const peer = new CorePeer(internalsOf(bus));
    peer.say('SUB q 1\n');
    bus.subscribe('q', (msg) => void msg.respond('here'));
    const asked = ask(bus);
    expect(await isSettled(asked)).toBe(false);
    const [, reply] = /^MSG q 1 (\S+) 0\n/.exec(peer.heard()) ?? [];
    peer.say(`PUB ${reply} 5\n"far"\n`);
    expect(await isSettled(asked)).toBe(false);
    clock.advance(MAX_WAIT);
    expect(await asked).toEqual(['here', 'far']);
  });
});
