// Requests: one answer, many answers, none.
import { describe, expect, it } from 'vitest';
import { createBus, headers, type Message, type RequestManyOptions } from '../../src/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

async function all(answers: Promise<AsyncIterable<Message>>): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const msg of await answers) seen.push(msg.value);
  return seen;
}

describe('request', () => {
  it('resolves with the first answer, by reference', async () => {
    const bus = createBus();
    const user = { name: 'x' };
    bus.subscribe('users.get', (msg) => {
      expect(msg.respond(user)).toBe(true);
      msg.respond('second');
    });
    const answer = await bus.request('users.get', { id: 1 });
    expect(answer.value).toBe(user);
    expect(answer.subject).toMatch(/^_INBOX\./);
  });

  it('carries headers both ways', async () => {
    const bus = createBus();
    bus.subscribe('h', (msg) => {
      const answer = headers();
      answer.set('echo', msg.headers?.get('ask') ?? '');
      msg.respond('ok', { headers: answer });
    });
    const ask = headers();
    ask.set('ask', 'this');
    expect((await bus.request('h', '', { headers: ask })).headers?.get('echo')).toBe('this');
  });

  it('rejects with NoRespondersError at once when nobody is interested', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    await expect(bus.request('nobody')).rejects.toMatchObject({
      name: 'RequestError',
      message: "no responders: 'nobody'",
      code: 'ERR_NO_RESPONDERS',
      cause: { name: 'NoResponders', subject: 'nobody' },
    });
    expect(clock.timerCount).toBe(0);
  });

  it('does so inside a handler, too', async () => {
    const bus = createBus();
    const result = new Promise((resolve) => {
      bus.subscribe('a', () => {
        bus.request('nobody').catch(resolve);
      });
    });
    bus.publish('a');
    expect(await result).toMatchObject({ code: 'ERR_NO_RESPONDERS' });
  });

  it('works inside a handler', async () => {
    const bus = createBus();
    bus.subscribe('inner', (msg) => msg.respond('deep'));
    bus.subscribe('outer', async (msg) => {
      msg.respond((await bus.request('inner')).value);
    });
    expect((await bus.request('outer')).value).toBe('deep');
  });

  it('times out after 1,000 ms unless told otherwise', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    bus.subscribe('silent', () => {});
    const outcomes: string[] = [];
    const note = (name: string) => (error: Error) => outcomes.push(`${name} ${error.name}`);
    bus.request('silent').catch(note('default'));
    bus.request('silent', '', { timeout: 50 }).catch(note('50'));
    await null;
    expect(clock.refCount).toBe(2);
    clock.advance(50);
    await new Promise(setImmediate);
    expect(outcomes).toEqual(['50 TimeoutError']);
    clock.advance(949);
    await new Promise(setImmediate);
    expect(outcomes).toHaveLength(1);
    clock.advance(1);
    await new Promise(setImmediate);
    expect(outcomes).toEqual(['50 TimeoutError', 'default TimeoutError']);
  });

  it('leaves no timer behind after an answer', async () => {
    const clock = new FakeClock();
    const bus = createBus({ clock });
    const asked: Message[] = [];
    bus.subscribe('late', (msg) => asked.push(msg));
    const answer = bus.request('late');
    await null;
    expect(clock.timerCount).toBe(1);
    asked[0]?.respond('now');
    expect((await answer).value).toBe('now');
    expect(clock.timerCount).toBe(0);
  });

  it('rejects with the reason of its signal', async () => {
    const bus = createBus();
    bus.subscribe('silent', () => {});
    const controller = new AbortController();
    const answer = bus.request('silent', '', { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
    await expect(bus.request('silent', '', { signal: controller.signal })).rejects.toThrow(
      'enough',
    );
  });

  it('can use a subscription of its own and a reply of its own', async () => {
    const bus = createBus();
    const replies: unknown[] = [];
    bus.subscribe('a', (msg) => {
      replies.push(msg.reply);
      msg.respond('ok');
    });
    const answer = await bus.request('a', '', { noMux: true, reply: 'my.reply' });
    expect(answer.subject).toBe('my.reply');
    expect(replies).toEqual(['my.reply']);
    await expect(bus.request('my.reply')).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS' });
    await expect(bus.request('a', '', { reply: 'my.reply' })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    });
  });

  it('is refused for a bad subject or timeout', async () => {
    const bus = createBus();
    await expect(bus.request('a..b')).rejects.toMatchObject({ code: 'ERR_INVALID_SUBJECT' });
    await expect(bus.request('a', '', { timeout: -1 })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    });
  });

  it('shares one inbox among all requests', async () => {
    const bus = createBus({ inboxPrefix: '_MINE' });
    const prefixes = new Set<string>();
    bus.subscribe('a', (msg) => {
      prefixes.add((msg.reply ?? '').split('.').slice(0, 2).join('.'));
      msg.respond(msg.value);
    });
    const answers = await Promise.all([1, 2, 3].map((n) => bus.request('a', n)));
    expect(answers.map((msg) => msg.value)).toEqual([1, 2, 3]);
    expect(prefixes.size).toBe(1);
    expect([...prefixes][0]).toMatch(/^_MINE\./);
  });

  it('takes a 503 status for nobody', async () => {
    const bus = createBus();
    bus.subscribe('a', (msg) => msg.respond('', { headers: headers(503, 'No Responders') }));
    await expect(bus.request('a')).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS' });
  });
});

describe('requestMany', () => {
  function responders(clock: FakeClock, values: unknown[]): ReturnType<typeof createBus> {
    const bus = createBus({ clock });
    bus.subscribe('q', (msg) => {
      for (const value of values) msg.respond(value);
    });
    return bus;
  }

  async function collect(values: unknown[], options: RequestManyOptions, ms: number) {
    const clock = new FakeClock();
    const answers = all(responders(clock, values).requestMany('q', '', options));
    await new Promise(setImmediate);
    clock.advance(ms);
    const seen = await answers;
    expect(clock.timerCount).toBe(0);
    return seen;
  }

  it('collects until maxWait by default', async () => {
    expect(await collect([1, 2, 3], {}, 1000)).toEqual([1, 2, 3]);
    expect(await collect([1], { strategy: 'timer', maxWait: 10 }, 10)).toEqual([1]);
  });

  it('ends after maxMessages with count', async () => {
    expect(await collect([1, 2, 3], { strategy: 'count', maxMessages: 2 }, 0)).toEqual([1, 2]);
  });

  it('ends when nothing came for a while with stall', async () => {
    expect(await collect([1, 2], { strategy: 'stall', stall: 20, maxWait: 9999 }, 20)).toEqual([
      1, 2,
    ]);
    expect(await collect([1], { strategy: 'jitterTimer', jitter: 30 }, 30)).toEqual([1]);
    expect(await collect([1], { strategy: 'stall' }, 300)).toEqual([1]);
  });

  it('ends at an empty payload with sentinel', async () => {
    expect(await collect([1, {}, '', 9], { strategy: 'sentinel' }, 0)).toEqual([1, {}, '']);
    expect(await collect([1, undefined], { strategy: 'sentinelMsg' }, 0)).toEqual([1, undefined]);
  });

  it('throws NoRespondersError in the loop', async () => {
    await expect(all(createBus().requestMany('nobody'))).rejects.toMatchObject({
      code: 'ERR_NO_RESPONDERS',
    });
  });

  it('ends when its loop is left', async () => {
    const clock = new FakeClock();
    const bus = responders(clock, [1, 2]);
    for await (const msg of await bus.requestMany('q')) {
      expect(msg.value).toBe(1);
      break;
    }
    expect(clock.timerCount).toBe(0);
  });

  it('works with a subscription of its own', async () => {
    expect(await collect([1, 2], { noMux: true, strategy: 'count', maxMessages: 2 }, 0)).toEqual([
      1, 2,
    ]);
  });
});
