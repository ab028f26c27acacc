// Who may come in: what is decided, when, and what a peer hears. Words and order are those of nats-server 2.15.3
// with `--user a --pass b`.
import { expect, it } from 'vitest';
import type { Authenticate, Verdict } from '../../src/bridge/authentication.ts';
import { internalsOf } from '../../src/bus/internals.ts';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { FakeSocket } from './fake-socket.ts';

const KNOWN = 'CONNECT {"verbose":false,"user":"a","pass":"b"}\r\n';
const STRANGER = 'CONNECT {"verbose":false,"user":"a","pass":"c"}\r\n';

/** The password is b. Decided after so many milliseconds, at once when there are none. */
function byPassword(clock: () => FakeClock, delayMs = 0): Authenticate {
  return ({ pass }) => {
    const verdict: Verdict = { isAdmitted: pass === 'b' };
    if (delayMs === 0) return verdict;
    return new Promise((resolve) => clock().setTimeout(() => resolve(verdict), delayMs));
  };
}

interface Guarded extends AsyncDisposable {
  readonly server: TestBridge;
  /** What the program has got on any subject. */
  readonly got: string[];
  come(): FakeSocket;
  /** Lets promises settle, and what was put off happen. */
  settle(): Promise<void>;
}

function guarded(
  delayMs = 0,
  authenticate?: Authenticate,
  options: Parameters<typeof createTestBridge>[0] = {},
): Guarded {
  const server: TestBridge = createTestBridge({
    authenticate: authenticate ?? byPassword(() => server.clock, delayMs),
    authTimeoutMs: 2000,
    // The first PING comes a little later than that.
    random: () => 0.5,
    ...options,
  });
  const got: string[] = [];
  server.bus.subscribe('>', (message) => got.push(`${message.subject} ${message.string()}`));
  return {
    server,
    got,
    come: () => {
      const socket = new FakeSocket();
      server.attach(socket);
      return socket;
    },
    settle: async () => {
      for (let i = 0; i < 5; i++) await new Promise(setImmediate);
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** What was written but for the first line, INFO. */
function said(socket: FakeSocket): string {
  return socket.written.slice(socket.written.indexOf('\r\n') + 2);
}

function lastReason({ server }: Guarded): string | undefined {
  return server.bridge.endedConnections().at(-1)?.reason;
}

it('INFO says that CONNECT has to say who it is, the first and the second one', async () => {
  await using guard = guarded();
  const peer = guard.come();
  peer.arrive('CONNECT {"verbose":false,"pass":"b","protocol":1}\r\nPING\r\n');
  await guard.settle();
  const infos = peer.written.split('\r\n').filter((line) => line.startsWith('INFO '));
  expect(infos.map((line) => JSON.parse(line.slice(5)).auth_required)).toEqual([true, true]);
});

it('where nobody is asked INFO does not say so', async () => {
  await using server = createTestBridge();
  const socket = new FakeSocket();
  server.attach(socket);
  await new Promise(setImmediate);
  expect(socket.written).not.toContain('auth_required');
});

it.each([
  'PING\r\n',
  'PONG\r\n',
  'P',
  '\r\n',
  ' ',
  'PUB a 1\r\nx\r\n',
  'SUB a 1\r\n',
  'INFO {}\r\n',
  '-ERR x\r\n',
  '+OK\r\n',
])('what begins with %j is refused before CONNECT, and not looked at', async (text) => {
  await using guard = guarded();
  const peer = guard.come();
  peer.arrive(text);
  peer.arrive(KNOWN);
  await guard.settle();
  expect(said(peer)).toBe("-ERR 'Authorization Violation'\r\n");
  expect([guard.got, lastReason(guard)]).toEqual([[], 'Authentication Failure']);
  expect(guard.server.log).toContain('[ERR] 127.0.0.1:1 - cid:1 - authentication error');
});

it.each([
  ['CX', "-ERR 'Unknown Protocol Operation'\r\n", 'Protocol Violation'],
  ['CONNECT {x\r\n', '', 'Protocol Violation'],
  [
    `CONNECT ${'x'.repeat(5000)}\r\n`,
    "-ERR 'maximum control line exceeded'\r\n",
    'Maximum Control Line Exceeded',
  ],
])('what begins with a C and is not CONNECT is judged as ever: %j', async (text, words, reason) => {
  await using guard = guarded();
  const peer = guard.come();
  for (let at = 0; at < text.length; at += 200) peer.arrive(text.slice(at, at + 200));
  await guard.settle();
  expect([said(peer), lastReason(guard)]).toEqual([words, reason]);
});

it.each([0, 50])(
  'who is refused after %d ms hears why, and nothing of it is routed',
  async (ms) => {
    await using guard = guarded(ms);
    const peer = guard.come();
    peer.arrive(`${STRANGER}SUB a 1\r\nPUB a 1\r\nx\r\nPING\r\n`);
    await guard.settle();
    guard.server.clock.advance(ms);
    await guard.settle();
    expect(said(peer)).toBe("-ERR 'Authorization Violation'\r\n");
    expect([guard.got, lastReason(guard)]).toEqual([[], 'Authentication Failure']);
    expect(guard.server.log).toContain(
      '[ERR] 127.0.0.1:1 - cid:1 - authentication error - User "a"',
    );
  },
);

it.each([
  ['{"nkey":"UABC","user":"a"}', 'Nkey "UABC"'],
  ['{"auth_token":"secret"}', 'Token "[REDACTED]"'],
  ['{}', undefined],
])('the log names whom %s is, without secrets', async (options, user) => {
  await using guard = guarded();
  guard.come().arrive(`CONNECT ${options}\r\n`);
  const line = '[ERR] 127.0.0.1:1 - cid:1 - authentication error';
  expect(guard.server.log).toContain(user === undefined ? line : `${line} - ${user}`);
});

it.each([0, 50])('who is let in after %d ms is judged by the rest of CONNECT', async (ms) => {
  await using guard = guarded(ms);
  const peers = ['"account":"x"', '"protocol":5', '"verbose":true'].map((option) => {
    const peer = guard.come();
    peer.arrive(`CONNECT {"pass":"b",${option}}\r\nPING\r\n`);
    return peer;
  });
  await guard.settle();
  guard.server.clock.advance(ms);
  await guard.settle();
  expect(peers.map(said)).toEqual([
    "-ERR 'Authorization Violation'\r\n",
    "-ERR 'invalid client protocol'\r\n",
    '+OK\r\nPONG\r\n',
  ]);
});

it('whoever decides is told what CONNECT said, and where it comes from', async () => {
  const asked: unknown[] = [];
  await using guard = guarded(0, (options, peer) => {
    asked.push({ ...options }, peer);
    return { isAdmitted: true };
  });
  guard
    .come()
    .arrive('CONNECT {"user":"u","pass":"p","auth_token":"t","nkey":"n","jwt":"j","sig":"s"}\r\n');
  expect(asked).toEqual([
    expect.objectContaining({
      user: 'u',
      pass: 'p',
      authToken: 't',
      nkey: 'n',
      jwt: 'j',
      sig: 's',
    }),
    { address: '127.0.0.1', port: 1, type: 'nats' },
  ]);
});

it.each(['', 'CONN'])('a peer that says %j and nothing more is let go in time', async (text) => {
  await using guard = guarded();
  const peer = guard.come();
  if (text !== '') peer.arrive(text);
  guard.server.clock.advance(1999);
  expect(guard.server.bridge.connections()).toHaveLength(1);
  guard.server.clock.advance(1);
  await guard.settle();
  expect(said(peer)).toBe("-ERR 'Authentication Timeout'\r\n");
  expect(guard.server.log).toContain('[DBG] 127.0.0.1:1 - cid:1 - Authentication Timeout');
  expect(lastReason(guard)).toBe('Authentication Timeout');
});

it('who has come in is never let go for it', async () => {
  await using guard = guarded();
  const peer = guard.come();
  guard.server.clock.advance(1500);
  peer.arrive(KNOWN);
  guard.server.clock.advance(4000);
  expect(guard.server.bridge.connections()).toHaveLength(1);
});

it('who has gone before CONNECT is not let go as well', async () => {
  await using guard = guarded();
  guard.come().destroy();
  await guard.settle();
  guard.server.clock.advance(2000);
  expect(lastReason(guard)).toBe('Client Closed');
  expect(guard.server.log.join()).not.toContain('Authentication Timeout');
});

it("the failure of whoever decides too late is nobody's", async () => {
  await using guard = guarded(0, async () => {
    await new Promise<void>((resolve) => guard.server.clock.setTimeout(resolve, 5000));
    throw new Error('no idea');
  });
  guard.come().arrive(KNOWN);
  guard.server.clock.advance(5000);
  await guard.settle();
  expect(lastReason(guard)).toBe('Authentication Failure');
  expect(guard.server.log.join()).not.toContain('no idea');
});

it.each([undefined, null, 1, {}, { isAdmitted: 1 }, { isAdmitted: 'no' }])(
  'nothing but true lets in, and not %j',
  async (answer) => {
    for (const said of [answer, Promise.resolve(answer)]) {
      await using guard = guarded(0, () => said as Verdict | Promise<Verdict>);
      guard.come().arrive(`${KNOWN}PUB a 1\r\nx\r\n`);
      await guard.settle();
      expect([guard.got, lastReason(guard)]).toEqual([[], 'Authentication Failure']);
    }
  },
);

it('a verdict that does not come in time is a refusal, and does not count when it comes', async () => {
  await using guard = guarded(5000);
  guard.server.clock.advance(1000);
  const peer = guard.come();
  guard.server.clock.advance(1500);
  peer.arrive(`${KNOWN}PUB a 1\r\nx\r\n`);
  guard.server.clock.advance(1999);
  expect(guard.server.bridge.connections()).toHaveLength(1);
  guard.server.clock.advance(1);
  await guard.settle();
  expect(said(peer)).toBe("-ERR 'Authorization Violation'\r\n");
  guard.server.clock.advance(5000);
  await guard.settle();
  expect([guard.got, lastReason(guard)]).toEqual([[], 'Authentication Failure']);
});

it('for whom INFO is too much there is no time that could end', async () => {
  await using server = createTestBridge({
    maxPending: 100,
    authTimeoutMs: 2000,
    authenticate: () => ({ isAdmitted: true }),
  });
  server.attach(new FakeSocket());
  expect(server.bridge.connections()).toEqual([]);
  server.clock.advance(10_000);
  expect(server.bridge.endedConnections().at(-1)?.reason).toBe('Slow Consumer (Pending Bytes)');
});

it('a verdict that comes after the end is dropped', async () => {
  await using guard = guarded(50);
  const peer = guard.come();
  peer.arrive(`${KNOWN}PUB a 1\r\nx\r\n`);
  peer.destroy(new Error('reset'));
  await guard.settle();
  expect(lastReason(guard)).toBe('Read Error');
  guard.server.clock.advance(50);
  await guard.settle();
  expect([guard.got, said(peer), guard.server.bridge.connectionCount]).toEqual([[], '', 0]);
  // Nor is there a time for it any more.
  guard.server.clock.advance(2000);
});

it('an earlier verdict is not the answer to a later CONNECT', async () => {
  const answers: ((verdict: Verdict) => void)[] = [];
  await using guard = guarded(0, () => new Promise((resolve) => answers.push(resolve)));
  const peer = guard.come();
  peer.arrive(`${KNOWN}PUB a 1\r\n1\r\n${KNOWN}PUB a 1\r\n2\r\n`);
  answers[0]!({ isAdmitted: true });
  await guard.settle();
  expect([answers.length, guard.got]).toEqual([2, ['a 1']]);
  answers[0]!({ isAdmitted: true });
  await guard.settle();
  expect(guard.got).toEqual(['a 1']);
  answers[1]!({ isAdmitted: true });
  await guard.settle();
  expect(guard.got).toEqual(['a 1', 'a 2']);
});

it('a second CONNECT loses the subscriptions, waits, and may be refused', async () => {
  await using guard = guarded(50);
  const peer = guard.come();
  peer.arrive(`${KNOWN}SUB a 1\r\nPUB a 1\r\n1\r\n${STRANGER}PUB a 1\r\n2\r\nPING\r\n`);
  await guard.settle();
  guard.server.clock.advance(50);
  await guard.settle();
  expect([said(peer), guard.got]).toEqual(['MSG a 1 1\r\n1\r\n', ['a 1']]);
  guard.server.bus.publish('a', 'lost');
  guard.server.clock.advance(50);
  await guard.settle();
  expect(said(peer)).toBe("MSG a 1 1\r\n1\r\n-ERR 'Authorization Violation'\r\n");
  expect([guard.got, lastReason(guard)]).toEqual([['a 1', 'a lost'], 'Authentication Failure']);
});

it.each([
  [
    'throws',
    (): never => {
      throw new Error('no idea');
    },
  ],
  ['rejects', (): Promise<never> => Promise.reject(new Error('no idea'))],
])('who decides and %s has refused', async (_, authenticate) => {
  await using guard = guarded(0, authenticate);
  const peer = guard.come();
  peer.arrive(`${KNOWN}PUB a 1\r\nx\r\n`);
  await guard.settle();
  expect([said(peer), guard.got]).toEqual(["-ERR 'Authorization Violation'\r\n", []]);
  expect(guard.server.log).toContain('[ERR] 127.0.0.1:1 - cid:1 - authentication failed: no idea');
});

it('what whoever decides publishes is delivered behind the read at hand', async () => {
  await using guard = guarded(0, () => {
    guard.server.bus.publish('asked', 'x');
    guard.got.push('published');
    return { isAdmitted: true };
  });
  guard.come().arrive(`${KNOWN}PUB a 1\r\n1\r\n`);
  expect(guard.got).toEqual(['published', 'a 1', 'asked x']);
});

it('who decides may ask the bus', async () => {
  await using guard = guarded(0, async (options) => {
    const answer = await guard.server.bus.request('who', options.user);
    return { isAdmitted: answer.string() === 'welcome' };
  });
  guard.server.bus.subscribe('who', (message) => message.respond('welcome'));
  const [first, second] = [guard.come(), guard.come()];
  first.arrive(`${KNOWN}PUB a 1\r\n1\r\nPING\r\n`);
  second.arrive('CONNECT {"verbose":false,"user":"b"}\r\nPING\r\n');
  await guard.settle();
  expect([said(first), said(second)]).toEqual(['PONG\r\n', 'PONG\r\n']);
  expect(guard.got.filter((line) => !line.startsWith('_INBOX'))).toEqual(['who a', 'who b', 'a 1']);
});

it.each([
  ['says nothing', (): Promise<Verdict> => new Promise(() => {})],
  ['fails', (): Promise<never> => Promise.reject(new Error('no idea'))],
  ['lets in', (): Verdict => ({ isAdmitted: true })],
  ['refuses', (): Verdict => ({ isAdmitted: false })],
])('who decides may close the bridge, and then %s', async (_, answer) => {
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown): unknown => rejections.push(reason);
  process.on('unhandledRejection', onRejection);
  let closed: Promise<void> | undefined;
  await using guard = guarded(0, () => {
    closed = guard.server.bridge.close();
    return answer();
  });
  const peer = guard.come();
  peer.arrive(`${KNOWN}PUB a 1\r\nx\r\n`);
  await closed;
  await guard.settle();
  process.off('unhandledRejection', onRejection);
  expect([said(peer), guard.got, lastReason(guard)]).toEqual(['', [], 'Server Shutdown']);
  expect(guard.server.log.filter((line) => line.startsWith('[ERR]'))).toEqual([]);
  expect([guard.server.clock.timerCount, rejections]).toEqual([0, []]);
});

it('a bridge that closes does not wait for verdicts, and leaves nothing', async () => {
  const guard = guarded(50);
  const [waiting, silent] = [guard.come(), guard.come()];
  waiting.arrive(`${KNOWN}PUB a 1\r\nx\r\n`);
  await guard.server.bridge.close();
  guard.server.clock.advance(50);
  await guard.settle();
  expect([said(waiting), said(silent), guard.got]).toEqual(['', '', []]);
  expect(internalsOf(guard.server.bus).core.live().sessions).toBe(0);
  await guard.server.close();
  expect(guard.server.clock.timerCount).toBe(0);
});

it('where nobody has to say who it is, the first words may be any, and are answered', async () => {
  await using server = createTestBridge({
    authenticate: ({ user }) => ({ isAdmitted: user === '' }),
    asked: () => 'named',
    authTimeoutMs: 1000,
  });
  const [peer, silent] = [new FakeSocket(), new FakeSocket()];
  server.attach(peer);
  server.attach(silent);
  for (const byte of 'SUB a 1\r\nPUB a 1\r\nx\r\n') peer.arrive(byte);
  await new Promise(setImmediate);
  server.clock.advance(1000);
  await new Promise(setImmediate);
  expect(said(peer)).toBe('+OK\r\n+OK\r\nMSG a 1 1\r\nx\r\n');
  expect(said(silent)).toBe("-ERR 'Authentication Timeout'\r\n");
  peer.arrive('CONNECT {"user":"b"}\r\nPING\r\n');
  await new Promise(setImmediate);
  expect(said(peer)).toMatch(/x\r\n-ERR 'Authorization Violation'\r\n$/);
});

it.each<[string, Verdict | Promise<Verdict>]>([
  ['no', { isAdmitted: false }],
  ['later', new Promise(() => {})],
])('there, too, nobody comes in without CONNECT when the answer is: %s', async (_what, answer) => {
  await using server = createTestBridge({
    authenticate: () => answer,
    asked: () => 'named',
  });
  const peer = new FakeSocket();
  server.attach(peer);
  peer.arrive('PING\r\n');
  await new Promise(setImmediate);
  expect(said(peer)).toBe("-ERR 'Authorization Violation'\r\n");
});

it('who is let in until a day in the far future stays until then', async () => {
  const days = 40 * 86_400_000;
  const clock = (): FakeClock => guard.server.clock;
  await using guard = guarded(0, () => ({ isAdmitted: true, expiresAt: clock().now() + days }), {
    pingIntervalMs: 2 * days,
    pingMax: 3,
  });
  const peer = guard.come();
  peer.arrive('CONNECT {"verbose":false}\r\nPUB a 1\r\nx\r\n');
  guard.server.clock.advance(1000);
  expect(guard.got).toEqual(['a x']);
  guard.server.clock.advance(days - 1001);
  expect(guard.server.bridge.endedConnections()).toEqual([]);
  guard.server.clock.advance(1);
  await guard.settle();
  expect(said(peer)).toContain("-ERR 'User Authentication Expired'\r\n");
  expect(lastReason(guard)).toBe('Authentication Expired');
});

it('another CONNECT has a time of its own', async () => {
  let expiresAt: number | undefined = 0;
  await using guard = guarded(0, () => ({
    isAdmitted: true,
    ...(expiresAt !== undefined && { expiresAt }),
  }));
  expiresAt = guard.server.clock.now() + 100;
  const peer = guard.come();
  peer.arrive('CONNECT {"verbose":false}\r\n');
  expiresAt = undefined;
  peer.arrive('CONNECT {}\r\n');
  guard.server.clock.advance(200);
  expect(guard.server.bridge.endedConnections()).toEqual([]);
});
