// Passwords of which the server knows hashes of bcrypt alone: who comes in, what is remembered, and who waits for whom.
import { hashSync } from 'bcryptjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { HashComparer } from '../../src/server/bcrypt.ts';
import { Secrets } from '../../src/server/secrets.ts';
import { startServer, type TestServer } from '../../src/testing/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { answer, IN, OUT } from '../support/login.ts';

/** The cheapest there is. */
const ROUNDS = 4;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(options: Parameters<typeof startServer>[0]): Promise<TestServer> {
  const server = await startServer(options);
  ends.push(() => server.close());
  return server;
}

const HASH = hashSync('p', ROUNDS);
const asker = (lane = 'a', signal = new AbortController().signal) => ({ lane, signal });

describe('who comes in', () => {
  test.each([
    ['a user', { user: 'a', pass: HASH }, { user: 'a', pass: 'p' }, { user: 'a', pass: HASH }],
    ['a token', { token: HASH }, { auth_token: 'p' }, { auth_token: HASH }],
    [
      'one of users',
      { users: [{ user: 'a', pass: HASH }] },
      { user: 'a', pass: 'p' },
      { user: 'b', pass: 'p' },
    ],
  ])('as %s knows the password, not the hash', async (_what, authorization, known, stranger) => {
    const server = await start({ authorization });
    for (let time = 0; time < 2; time++) {
      expect(await answer(server.port, known)).toEqual(IN);
      expect(await answer(server.port, stranger)).toEqual(OUT);
      expect(await answer(server.port, {})).toEqual(OUT);
    }
  });

  test.each([
    ['2b', HASH.replace('$2a', '$2b')],
    ['2y', HASH.replace('$2a', '$2y')],
    ['2x', HASH.replace('$2a', '$2x').replace('$2b', '$2x')],
  ])('$%s$ is a hash as well', async (_prefix, pass) => {
    const server = await start({ authorization: { user: 'a', pass } });
    expect(await answer(server.port, { user: 'a', pass: 'p' })).toEqual(IN);
    expect(await answer(server.port, { user: 'a', pass: 'x' })).toEqual(OUT);
  });

  test.each(['$2a$04$', '$2a$99$abc', `${HASH}x`, HASH.slice(0, -1), `$2a$04$${'!'.repeat(53)}`])(
    'nobody by what only looks like one: %s',
    async (pass) => {
      const server = await start({ authorization: { user: 'a', pass } });
      expect(await answer(server.port, { user: 'a', pass: 'p' })).toEqual(OUT);
      expect(await answer(server.port, { user: 'a', pass })).toEqual(OUT);
    },
  );

  test('what is no hash is the password itself', async () => {
    const server = await start({ authorization: { user: 'a', pass: '$2c$04$x' } });
    expect(await answer(server.port, { user: 'a', pass: '$2c$04$x' })).toEqual(IN);
  });
});

describe('a password that was right', () => {
  test('is known at once the next time, and a wrong one is not', async () => {
    const secrets = new Secrets();
    ends.push(() => secrets.close());
    const secret = secrets.secret(HASH);
    expect(await secrets.isSame(secret, 'p', asker)).toBe(true);
    expect(secrets.isSame(secret, 'p', asker)).toBe(true);
    expect(await secrets.isSame(secret, 'x', asker)).toBe(false);
    expect(secrets.isSame(secret, 'x', asker)).toBeInstanceOf(Promise);
  });

  test('is forgotten with its hash', async () => {
    const secrets = new Secrets();
    ends.push(() => secrets.close());
    const [secret, other] = [secrets.secret(HASH), secrets.secret(hashSync('q', ROUNDS))];
    await secrets.isSame(secret, 'p', asker);
    secrets.keep([secret, other]);
    expect(secrets.isSame(secret, 'p', asker)).toBe(true);
    secrets.keep([other]);
    expect(secrets.isSame(secret, 'p', asker)).toBeInstanceOf(Promise);
  });
});

describe('the thread', () => {
  function comparer(): HashComparer {
    const made = new HashComparer(() => {});
    ends.push(() => made.close());
    return made;
  }
  const question = (password: string) => ({ mark: password, hash: HASH, password });

  test.each([1, 10])('answers who is new before those who guess from %i lanes', async (lanes) => {
    const threads = comparer();
    const order: string[] = [];
    const ask = (lane: string, password: string): Promise<unknown> =>
      threads
        .compare(question(password), asker(lane))
        .then((isSame) => order.push(`${password} ${isSame}`));
    const wrong = Array.from({ length: 20 }, (_, guess) =>
      ask(`guesser ${guess % lanes}`, `wrong ${guess}`),
    );
    await Promise.all([...wrong, ask('user', 'p')]);
    const inTurn = wrong.map((_, guess) => `wrong ${guess} false`);
    // The first was under way when he came.
    expect(order).toEqual([inTurn[0], 'p true', ...inTurn.slice(1)]);
  });

  test('answers who was right as if he were new', async () => {
    const threads = comparer();
    const order: string[] = [];
    const ask = (lane: string, password: string): Promise<unknown> =>
      threads.compare(question(password), asker(lane)).then(() => order.push(password));
    const first = ask('guesser', 'a');
    const of = ['p', 'x', 'y'].map((password) => ask('user', password));
    await Promise.all([first, ...of, ...['b', 'c'].map((password) => ask('guesser', password))]);
    expect(order).toEqual(['a', 'p', 'x', 'y', 'b', 'c']);
  });

  test.each([
    [999, ['a', 'c', 'd', 'b']],
    [1000, ['a', 'b', 'c', 'd']],
  ])('knows who has guessed, one after the other, for a second: after %i ms', async (ms, order) => {
    const clock = new FakeClock();
    const threads = new HashComparer(() => {}, clock);
    ends.push(() => threads.close());
    const told: string[] = [];
    const ask = (lane: string, password: string): Promise<unknown> =>
      threads.compare(question(password), asker(lane)).then(() => told.push(password));
    for (const password of ['x', 'y']) await ask('guesser', password);
    clock.advance(ms);
    const first = ask('other', 'a');
    await Promise.all([first, ask('guesser', 'b'), ask('user', 'c'), ask('user', 'd')]);
    expect(told).toEqual(['x', 'y', ...order]);
  });

  test('is asked once what several ask, and each of them by his own lane', async () => {
    const threads = comparer();
    let right = 0;
    const counting = new HashComparer(() => {
      right += 1;
    });
    ends.push(() => counting.close());
    const same = Array.from({ length: 50 }, (_, lane) =>
      counting.compare(question('p'), asker(`lane ${lane}`)),
    );
    expect(new Set(await Promise.all(same))).toEqual(new Set([true]));
    expect(right).toBe(1);
    const busy = Array.from({ length: 10 }, (_, guess) =>
      threads.compare(question(`x${guess}`), asker('guesser')),
    );
    const last = threads.compare(question('p'), asker('guesser'));
    const first = threads.compare(question('p'), asker('user'));
    expect(await Promise.race([first, busy[5]])).toBe(true);
    expect(await last).toBe(true);
    await Promise.all(busy);
  });

  test('is hurried for who asks first, and not for a lane that asks again and again', async () => {
    const threads = comparer();
    const stored = vi.spyOn(Atomics, 'store');
    const isHurried = () => Number(stored.mock.lastCall?.[2]) === 1;
    const ask = (password: string, lane: string): Promise<boolean> =>
      threads.compare(question(password), asker(lane));
    const first = ask('x1', 'guesser');
    expect(isHurried()).toBe(true);
    await first;
    const second = ask('x2', 'guesser');
    expect(isHurried()).toBe(false);
    const other = ask('x3', 'user');
    expect(isHurried()).toBe(true);
    await Promise.all([second, other]);
  });

  test('does not begin what nobody waits for', async () => {
    const told: string[] = [];
    const threads = new HashComparer((mark) => told.push(mark));
    ends.push(() => threads.close());
    const [first, second] = [new AbortController(), new AbortController()];
    const underWay = threads.compare(question('p'), asker('a', first.signal));
    const waiting = threads.compare({ ...question('p'), mark: 'other' }, asker('a', second.signal));
    first.abort();
    second.abort();
    expect([await underWay, await waiting]).toEqual([false, false]);
    expect(await threads.compare(question('x'), asker())).toBe(false);
    // What was under way is finished, and known from now on.
    expect(told).toEqual(['p']);
    expect(await threads.compare(question('p'), asker('a', AbortSignal.abort()))).toBe(false);
  });

  test('that is closed answers whoever waits', async () => {
    const threads = comparer();
    const waiting = ['x', 'y', 'z'].map((each) => threads.compare(question(each), asker()));
    await threads.close();
    expect(await Promise.all(waiting)).toEqual([false, false, false]);
    expect(await threads.compare(question('p'), asker())).toBe(false);
  });
});

test('a right one comes in among many wrong ones from elsewhere', async () => {
  const server = await start({
    // Enough for one of them, however busy the machine; not for all.
    authTimeoutMs: 10_000,
    host: '0.0.0.0',
    authorization: { user: 'a', pass: hashSync('p', 8) },
  });
  const guesses = Array.from({ length: 30 }, (_, guess) =>
    answer(server.port, { user: 'a', pass: `guess ${guess}` }),
  );
  await Promise.race(guesses);
  const { port } = server;
  expect(await answer(port, { user: 'a', pass: 'p' }, '127.0.0.2')).toEqual(IN);
  expect((await Promise.all(guesses)).every((said) => said[1] === OUT[1])).toBe(true);
});
