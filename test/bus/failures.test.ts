// Errors that say where and what: requests that fail, and arguments that are none.
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import {
  type Bus,
  connect,
  createBus,
  headers,
  type Message,
  MessageHeaders,
  type RequestError,
} from '../../src/index.ts';
import { Sublist } from '../../src/sublist.ts';
import { CorePeer } from '../support/core-peer.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { uncaughtDuring } from '../support/uncaught.ts';

interface Setup {
  bus: Bus;
  clock: FakeClock;
  reports: unknown[];
}

function setup(): Setup {
  const clock = new FakeClock();
  const reports: unknown[] = [];
  return { bus: createBus({ clock, onError: (error) => reports.push(error) }), clock, reports };
}

/** What a promise is rejected with, once nothing else can happen. */
async function rejection(promise: Promise<unknown>): Promise<RequestError> {
  let error: unknown;
  promise.catch((reason) => {
    error = reason;
  });
  await new Promise(setImmediate);
  return error as RequestError;
}

const throwing = (text: string) => () => {
  throw new Error(text);
};
const rejecting = (text: string) => async () => {
  await null;
  throw new Error(text);
};

describe('a request that fails', () => {
  async function asksForUser(asker: Pick<Bus, 'request'>): Promise<unknown> {
    return await asker.request('users.get', 'x', { timeout: 250 });
  }

  it('has the line of its caller in its stack, and names subject and milliseconds', async () => {
    const { bus, clock } = setup();
    const connection = await connect({ bus });
    for (const asker of [bus, connection as unknown as Bus]) {
      const nobody = await rejection(asksForUser(asker));
      expect(nobody.stack).toContain('asksForUser');
      expect(nobody.message).toBe("no responders: 'users.get'");
      const silent = bus.subscribe('users.get', () => {});
      const asked = asksForUser(asker);
      clock.advance(250);
      const late = await rejection(asked);
      expect(late.stack).toContain('asksForUser');
      expect(late).toMatchObject({
        name: 'TimeoutError',
        message: "timeout: no answer on 'users.get' within 250 ms",
      });
      silent.unsubscribe();
      const failing = bus.subscribe('users.get', rejecting('broken'));
      expect((await rejection(asksForUser(asker))).stack).toContain('asksForUser');
      failing.unsubscribe();
    }
  });

  it('has it when a peer says that nobody is there, and when the bus closes', async () => {
    const { bus } = setup();
    const peer = new CorePeer(internalsOf(bus));
    peer.say('SUB users.get 1\n');
    const asked = asksForUser(bus);
    await null;
    const [, reply] = /^MSG users.get 1 (\S+) 1\n/.exec(peer.heard()) ?? [];
    peer.say(`HPUB ${reply} 16 16\nNATS/1.0 503\n\n\n`);
    const nobody = await rejection(asked);
    expect(nobody.isNoResponders()).toBe(true);
    expect(nobody.stack).toContain('asksForUser');
    const closing = [asksForUser(bus), asksForUser(bus)];
    await null;
    await bus.close();
    const [one, other] = await Promise.all(closing.map(rejection));
    expect(one?.stack).toContain('asksForUser');
    expect(one).toMatchObject({ code: 'ERR_CLOSED_CONNECTION' });
    expect(other).not.toBe(one);
  });

  it('leaves the reason of a signal as it is', async () => {
    const { bus } = setup();
    bus.subscribe('users.get', () => {});
    const controller = new AbortController();
    const asked = bus.request('users.get', '', { signal: controller.signal });
    const reason = { odd: true };
    controller.abort(reason);
    expect(await rejection(asked)).toBe(reason);
  });

  it('of a subscription names its subject, too', async () => {
    const { bus, clock } = setup();
    const sub = bus.subscribe('quiet', { timeout: 40 });
    clock.advance(40);
    expect(await sub.closed).toMatchObject({
      name: 'TimeoutError',
      message: "timeout: no message on 'quiet' within 40 ms",
    });
  });
});

describe('a request whose handlers have all failed', () => {
  it.each([
    ['thrown', throwing('broken')],
    ['rejected', rejecting('broken')],
  ])('rejects at once with what one has %s, which is reported as well', async (_, handler) => {
    const { bus, clock, reports } = setup();
    bus.subscribe('svc', handler);
    const error = await rejection(bus.request('svc'));
    expect(error).toMatchObject({
      name: 'RequestError',
      code: 'ERR_REQUEST',
      message: "all handlers of 'svc' have failed: broken",
      cause: { message: 'broken' },
    });
    expect(error.isNoResponders()).toBe(false);
    expect(reports).toEqual([error.cause]);
    expect(clock.timerCount).toBe(0);
  });

  it('rejects with all of them, handlers and callbacks, with or without a max, one of each group', async () => {
    const { bus, reports } = setup();
    bus.subscribe('svc', throwing('1'));
    bus.subscribe('*', rejecting('2'), { max: 1 });
    bus.subscribe('svc', { callback: rejecting('3') });
    for (let i = 0; i < 3; i++) bus.subscribe('>', throwing('4'), { queue: 'q' });
    const { cause, message } = await rejection(bus.request('svc'));
    expect(message).toMatch(/^all handlers of 'svc' have failed: \d$/);
    expect(cause).toBeInstanceOf(AggregateError);
    const texts = (cause as AggregateError).errors.map((error: Error) => error.message);
    expect(texts.sort()).toEqual(['1', '2', '3', '4']);
    expect(reports).toHaveLength(4);
  });

  it('does so with an inbox of its own, inside a handler, and on a connection', async () => {
    const { bus } = setup();
    bus.subscribe('svc', throwing('broken'));
    const failed = { message: "all handlers of 'svc' have failed: broken" };
    expect(await rejection(bus.request('svc', '', { noMux: true }))).toMatchObject(failed);
    const inside = new Promise((resolve) => {
      bus.subscribe('outer', () => void bus.request('svc').catch(resolve));
    });
    bus.publish('outer');
    expect(await inside).toMatchObject(failed);
    expect(await rejection((await connect({ bus })).request('svc'))).toMatchObject(failed);
  });

  it.each(['all', 'timer', 'count', 'stall', 'sentinel'] as const)(
    "ends a request for many, '%s', by an error of its loop",
    async (strategy) => {
      const { bus, clock } = setup();
      bus.subscribe('svc', throwing('1'));
      bus.subscribe('svc', rejecting('2'));
      const answers = await bus.requestMany('svc', '', { strategy, maxMessages: 2 });
      const error = await rejection(answers[Symbol.asyncIterator]().next());
      expect(error).toMatchObject({ name: 'RequestError', code: 'ERR_REQUEST' });
      expect(clock.timerCount).toBe(0);
    },
  );

  it('has not failed, but is over, when it is for many and has answers', async () => {
    const { bus, clock, reports } = setup();
    bus.subscribe('svc', async (msg) => {
      msg.respond(1);
      await null;
      msg.respond(2);
      throw new Error('then');
    });
    const seen: unknown[] = [];
    for await (const msg of await bus.requestMany('svc')) seen.push(msg.value);
    expect(seen).toEqual([1, 2]);
    expect(reports).toHaveLength(1);
    expect(clock.timerCount).toBe(0);
  });

  it('is not taken for one without responders, whatever they threw', async () => {
    const { bus } = setup();
    bus.subscribe('outer', async () => {
      for await (const _ of await bus.requestMany('nobody')) break;
    });
    const error = await rejection(bus.request('outer'));
    expect(error.cause).toMatchObject({ name: 'NoResponders' });
    expect([error.code, error.isNoResponders()]).toEqual(['ERR_REQUEST', false]);
  });

  it('tells what was thrown, whatever that is', async () => {
    const { bus } = setup();
    bus.subscribe('svc', () => Promise.reject(undefined));
    expect(await rejection(bus.request('svc'))).toMatchObject({
      message: "all handlers of 'svc' have failed: thrown: undefined",
      cause: undefined,
    });
  });
});

describe('a request goes on waiting', () => {
  async function isWaiting(asked: Promise<unknown>, clock: FakeClock): Promise<void> {
    expect(await rejection(asked)).toBeUndefined();
    expect(clock.timerCount).toBe(1);
  }

  it('for one that has only returned', async () => {
    const { bus, clock, reports } = setup();
    const asked: Message[] = [];
    bus.subscribe('svc', (msg) => asked.push(msg));
    bus.subscribe('svc', throwing('broken'));
    const answer = bus.request('svc');
    await isWaiting(answer, clock);
    expect(reports).toHaveLength(1);
    asked[0]?.respond('late');
    expect((await answer).value).toBe('late');
  });

  it('for one that has answered before it threw', async () => {
    const { bus, reports } = setup();
    bus.subscribe('svc', (msg) => {
      msg.respond('first');
      throw new Error('then');
    });
    expect((await bus.request('svc')).value).toBe('first');
    expect(reports).toHaveLength(1);
  });

  it('for a loop, and for a peer', async () => {
    const loop = setup();
    loop.bus.subscribe('svc');
    loop.bus.subscribe('svc', throwing('broken'));
    await isWaiting(loop.bus.request('svc'), loop.clock);
    const { bus, clock } = setup();
    const peer = new CorePeer(internalsOf(bus));
    peer.say('SUB svc 1\n');
    bus.subscribe('svc', throwing('broken'));
    bus.subscribe('svc', rejecting('broken'));
    await isWaiting(bus.request('svc'), clock);
  });

  it('for a member of a queue group elsewhere', async () => {
    for (let i = 0; i < 20; i++) {
      const { bus, clock, reports } = setup();
      const peer = new CorePeer(internalsOf(bus));
      peer.say('SUB svc q 1\n');
      bus.subscribe('svc', throwing('broken'), { queue: 'q' });
      const asked = bus.request('svc');
      const error = await rejection(asked);
      const isHere = peer.heard() === '';
      // The member here was the only one asked, or was not asked at all.
      expect([reports.length, error === undefined, clock.timerCount]).toEqual(
        isHere ? [1, false, 0] : [0, true, 1],
      );
    }
  });

  it('when another publish with its reply has failed', async () => {
    const { bus, clock, reports } = setup();
    bus.subscribe('other', throwing('broken'));
    const asked: Message[] = [];
    bus.subscribe('svc', (msg) => {
      asked.push(msg);
      bus.publish('other', 1, { reply: msg.reply as string });
    });
    const answer = bus.request('svc');
    await isWaiting(answer, clock);
    bus.publish('other', 2, { reply: asked[0]?.reply as string });
    await isWaiting(answer, clock);
    expect(reports).toHaveLength(2);
    asked[0]?.respond('mine');
    expect((await answer).value).toBe('mine');
  });
});

describe('an error of a handler without onError', () => {
  it('is told who asked, and is not uncaught', async () => {
    const bus = createBus();
    bus.subscribe('svc', throwing('1'));
    bus.subscribe('svc', rejecting('2'));
    let error: RequestError | undefined;
    const uncaught = await uncaughtDuring(async () => {
      error = await rejection(bus.request('svc'));
    });
    expect(error?.cause).toBeInstanceOf(AggregateError);
    expect(uncaught).toEqual([]);
  });

  it('is uncaught when who asked has had an answer, no answer, or an end', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    bus.subscribe('svc', throwing('broken'));
    const answering = bus.subscribe('svc', (msg) => msg.respond('fine'));
    expect(await uncaughtDuring(async () => void (await bus.request('svc')))).toEqual(['broken']);
    answering.unsubscribe();
    bus.subscribe('svc', () => {});
    const silence = async (): Promise<void> => {
      const asked = bus.request('svc', '', { timeout: 5 });
      const outcome = rejection(asked);
      clock.advance(5);
      expect(await outcome).toMatchObject({ name: 'TimeoutError' });
    };
    expect(await uncaughtDuring(silence)).toEqual(['broken']);
    const end = async (): Promise<void> => {
      const outcome = rejection(bus.request('svc'));
      await bus.close();
      expect(await outcome).toMatchObject({ code: 'ERR_CLOSED_CONNECTION' });
    };
    expect(await uncaughtDuring(end)).toEqual(['broken']);
  });

  it('is uncaught where nobody asked, and when it comes after the end', async () => {
    const bus = createBus();
    bus.subscribe('a', throwing('nobody asked'));
    bus.subscribe('svc', async (msg) => {
      msg.respond('fine');
      await new Promise(setImmediate);
      throw new Error('after the answer');
    });
    const uncaught = await uncaughtDuring(async () => {
      bus.publish('a', 1, { reply: 'r' });
      await bus.request('svc');
      await new Promise(setImmediate);
    });
    expect(uncaught).toEqual(['nobody asked', 'after the answer']);
  });

  it('is told by status() at once', async () => {
    const bus = createBus();
    const status = bus.status()[Symbol.asyncIterator]();
    bus.subscribe('svc', throwing('told'));
    bus.request('svc').catch(() => {});
    expect((await status.next()).value).toMatchObject({
      type: 'error',
      error: { message: 'told' },
    });
  });
});

describe('what is wrong is named', () => {
  const bus = createBus();
  const none = (value: unknown): string => value as string;

  it.each<[string, () => unknown, string]>([
    [
      'no subject',
      () => bus.publish(none(undefined)),
      'illegal subject: undefined instead of a string',
    ],
    ['a number', () => bus.publish(none(7)), 'illegal subject: number instead of a string'],
    ['null', () => bus.subscribe(none(null)), 'illegal subject: object instead of a string'],
    ['an object', () => bus.publisher(none({})), 'illegal subject: object instead of a string'],
    ['no reply', () => bus.publish('a', 1, { reply: none({}) }), 'object instead of a string'],
    ['an object without a text', () => bus.publish(none(Object.create(null))), 'object instead'],
    ['the word', () => bus.publish(' undefined'), "illegal subject: ' undefined'"],
    ['no filter of a sublist', () => new Sublist().insert(none(undefined)), 'undefined instead of'],
    ['no subject of a sublist', () => new Sublist().match(none(undefined)), 'undefined instead of'],
    ['no name of a header', () => headers().set(none(undefined), 'v'), 'name undefined instead'],
    ['no name to look for', () => headers().get(none(5), 'insensitive'), 'name number instead'],
    ['no value of a header', () => headers().set('n', none(5)), "'header' 'n' has number instead"],
    ['no value to add', () => headers().append('n', none(undefined)), "'n' has undefined instead"],
    ['no value of a record', () => MessageHeaders.fromRecord({ n: none(5) }), "'n' has number"],
    ['no values', () => MessageHeaders.fromRecord({ n: ['a', none(null)] }), "'n' has object"],
    ['no description', () => headers(503, none(5)), 'has number instead of a string'],
  ])('%s', (_, call, text) => {
    expect(call).toThrow(text);
  });

  it('and a long text is not echoed whole', async () => {
    const long = 'x'.repeat(5000);
    const errors: unknown[] = [];
    const attempts = [
      () => bus.publish(long),
      () => bus.subscribe(long),
      () => bus.publisher(long),
      () => new Sublist().insert(long),
      () => headers().set(`${long}:`, 'v'),
      () => createBus({ inboxPrefix: `${long}.*` }),
      () => createBus({ inboxPrefix: long }),
    ];
    for (const attempt of attempts) {
      try {
        attempt();
      } catch (error) {
        errors.push(error);
      }
    }
    const nobody = await rejection(bus.request('x'.repeat(4000)));
    errors.push(nobody);
    expect(nobody.cause).toMatchObject({ subject: 'x'.repeat(4000) });
    expect(errors).toHaveLength(attempts.length + 1);
    for (const error of errors) {
      const { message } = error as Error;
      expect(message.length).toBeLessThan(250);
      expect(message).toMatch(/xxx… \([45]\d{3} characters\)/);
    }
  });
});
