// Log lines about a connection, in nats-server's words.
import { expect, it, vi } from 'vitest';
import { quoteGo, quoteGoText } from '../../src/shared/go-quote.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { createTestBridge } from '../support/bridge.ts';

it('text is quoted as Go quotes it', () => {
  expect(quoteGoText('plain é 世 \u{1f600}')).toBe('"plain é 世 \u{1f600}"');
  expect(quoteGoText('a"b\\c')).toBe('"a\\"b\\\\c"');
  expect(quoteGoText('\x07\b\f\n\r\t\v\0\x7f')).toBe('"\\a\\b\\f\\n\\r\\t\\v\\x00\\x7f"');
  expect(quoteGoText('\u00a0\u200b\ufeff\u{e0001}')).toBe('"\\u00a0\\u200b\\ufeff\\U000e0001"');
  expect(quoteGo(Uint8Array.of(0x61, 0xff, 0xc3, 0x28, 0xc3))).toBe('"a\\xff\\xc3(\\xc3"');
  expect(quoteGo(Uint8Array.of(0xed, 0xa0, 0x80))).toBe('"\\xed\\xa0\\x80"');
  expect(quoteGo(Uint8Array.of(0xef, 0xbf, 0xbd))).toBe('"\ufffd"');
});

it('each op and delivery is a trace line, without secrets', async () => {
  const lines: string[] = [];
  const logger = createLogger({
    write: (line) => lines.push(line.trimEnd()),
    hasTime: false,
    isTrace: true,
    now: () => 0,
  });
  await using server = createTestBridge({ logger });
  const peer = server.connect();
  await peer.line();
  await peer.send(
    'CONNECT {"verbose":true,"user":"u","pass":"s\\"3cret","auth_token":"t0ken"}\r\n',
  );
  await peer.expectLine('+OK');
  await peer.send('SUB a 1\r\nPUB a 2\r\nhi\r\nSUB a..b 2\r\nPING\r\n');
  await peer.expectLines('+OK', '+OK', 'MSG a 1 2', 'hi', "-ERR 'Invalid Subject'", 'PONG');
  const text = lines.map((line) =>
    line.replace('[TRC] :0 - cid:1 - ', '').replace('"$G/user:u" - ', ''),
  );
  const connect = '{"verbose":true,"user":"u","pass":"[REDACTED]","auth_token":"[REDACTED]"}';
  expect(text).toEqual([
    `<<- [CONNECT ${connect}]`,
    '->> [OK]',
    '<<- [SUB a 1]',
    '->> [OK]',
    '<<- [PUB a 2]',
    '<<- MSG_PAYLOAD: ["hi"]',
    '->> [OK]',
    '->> [MSG a 1 2]',
    '->> MSG_PAYLOAD: ["hi"]',
    '<<- [SUB a..b 2]',
    '[ERR] :0 - cid:1 - malformed subject: "a..b"',
    '->> [-ERR Invalid Subject]',
    '<<- [PING]',
    '->> [PONG]',
  ]);
});

/** What is traced of payloads, by a log that is so. */
async function payloads(settings: object): Promise<string[]> {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line.trimEnd());
  const plain = { hasTime: false, isTrace: true, now: () => 0 };
  const logger = createLogger({ write, ...plain, ...settings });
  await using server = createTestBridge({ logger });
  const peer = await server.greeted({ headers: true });
  await peer.send(
    'SUB > 1\r\nPUB a 5\r\nab"de\r\nhpub\ta r  18\t21\r\nNATS/1.0\r\nA: b\r\n\r\nxyz\r\n',
  );
  await peer.expectLines('MSG a 1 5', 'ab"de', 'HMSG a 1 r 18 21', 'NATS/1.0', 'A: b', '', 'xyz');
  return lines.flatMap((line) => /(?:<<-|->>) MSG_PAYLOAD.*/.exec(line) ?? []);
}

it('of payloads as many bytes are traced as the log wants', async () => {
  const headers = 'NATS/1.0\\r\\nA: b\\r\\n\\r\\n';
  expect(await payloads({})).toEqual([
    '<<- MSG_PAYLOAD: ["ab\\"de"]',
    '->> MSG_PAYLOAD: ["ab\\"de"]',
    `<<- MSG_PAYLOAD: ["${headers}xyz"]`,
    `->> MSG_PAYLOAD: ["${headers}xyz"]`,
  ]);
  expect(await payloads({ tracedMax: 3 })).toEqual([
    '<<- MSG_PAYLOAD: ["ab\\"..."]',
    '->> MSG_PAYLOAD: ["ab\\"..."]',
    '<<- MSG_PAYLOAD: ["NAT..."]',
    '->> MSG_PAYLOAD: ["NAT..."]',
  ]);
  expect(await payloads({ tracedMax: 5 })).toContain('<<- MSG_PAYLOAD: ["ab\\"de"]');
});

it('of messages nothing but headers is traced where the log wants no more', async () => {
  expect(await payloads({ tracesHeaders: true })).toEqual([
    '<<- MSG_PAYLOAD: ["NATS/1.0\\r\\nA: b"]',
    '->> MSG_PAYLOAD: ["NATS/1.0\\r\\nA: b"]',
  ]);
});

it('ends of subscriptions are traced, and a message without payload has no line for it', async () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line.trimEnd());
  const settings = { hasTime: false, isTrace: true, isDebug: true, now: () => 0 };
  await using server = createTestBridge({ logger: createLogger({ write, ...settings }) });
  const peer = await server.greeted({ name: 'n', user: 'u' });
  await peer.send('SUB a 7\r\nUNSUB 7 1\r\nSUB b 8\r\nSUB c 9\r\nPUB a 0\r\n\r\n');
  await peer.expectLines('MSG a 7 0', '');
  await peer.ping();
  lines.length = 0;
  await peer.send('SUB a 7\r\nUNSUB 7 1\r\nPUB a 0\r\n\r\n');
  await peer.expectLines('MSG a 7 0', '');
  peer.end();
  await expect.poll(() => server.bridge.endedConnections()).toHaveLength(1);
  expect(lines.map((line) => line.replace(' :0 - cid:1 - "n" - "$G/user:u" -', ''))).toEqual([
    '[TRC] <<- [SUB a 7]',
    '[TRC] <<- [UNSUB 7 1]',
    '[TRC] <<- [PUB a 0]',
    "[DBG] Auto-unsubscribe limit of 1 reached for sid '7'",
    '[TRC] ->> [MSG a 7 0]',
    '[TRC] <-> [DELSUB 7]',
    '[DBG] Client connection closed: Client Closed',
    '[TRC] <-> [DELSUB 8]',
    '[TRC] <-> [DELSUB 9]',
  ]);
  expect(server.bridge.endedConnections()[0]).toMatchObject({
    user: 'u',
    subscriptionList: [{ subject: 'b' }, { subject: 'c' }],
  });
});

it('of an op the verb is traced as nats-server writes it, and what asks for nothing is not traced', async () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line.trimEnd());
  const settings = { hasTime: false, isTrace: true, now: () => 0 };
  await using server = createTestBridge({ logger: createLogger({ write, ...settings }) });
  const peer = await server.greeted();
  lines.length = 0;
  await peer.send('sub \t a  q 1 \r\nping x\r\nInfo {}\r\n+OK\r\nunSub 1\r\nPONG\r\nPING\r\n');
  await peer.expectLines('PONG', 'PONG');
  const texts = lines.map((line) => line.replace('[TRC] :0 - cid:1 - ', ''));
  expect(texts.filter((text) => text !== '->> [PONG]')).toEqual([
    '<<- [SUB a  q 1 ]',
    '<<- [PING]',
    '<<- [UNSUB 1]',
    '<-> [DELSUB 1]',
    '<<- [PONG]',
    '<<- [PING]',
  ]);
});

it('another CONNECT ends what was subscribed to, and the log tells it', async () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line.trimEnd());
  const settings = { hasTime: false, isTrace: true, now: () => 0 };
  await using server = createTestBridge({ logger: createLogger({ write, ...settings }) });
  const peer = await server.greeted();
  await peer.send('SUB a 1\r\nSUB b 2\r\n');
  await peer.ping();
  lines.length = 0;
  await peer.send('CONNECT {"verbose":false}\r\n');
  await peer.ping();
  expect(lines.map((line) => line.replace('[TRC] :0 - cid:1 - ', ''))).toEqual([
    '<<- [CONNECT {"verbose":false}]',
    '<-> [DELSUB 1]',
    '<-> [DELSUB 2]',
    '<<- [PING]',
    '->> [PONG]',
  ]);
});

it('who says nothing of himself has no name in the log until his CONNECT, then that of whom he is taken for', async () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line.trimEnd());
  const logger = createLogger({ write, hasTime: false, isTrace: true, now: () => 0 });
  const authenticate = () => ({ isAdmitted: true, user: 'a' });
  await using server = createTestBridge({ logger, authenticate, asked: () => 'named' });
  const peer = server.connect();
  await peer.line();
  await peer.send('SUB a 1\r\n');
  await peer.expectLine('+OK');
  await peer.send('CONNECT {"verbose":false,"name":"n"}\r\nSUB b 2\r\nFOO\r\n');
  await peer.ended();
  expect(lines.map((line) => line.replace(/^\[(?:TRC|ERR)\] :0 - cid:1 - /, ''))).toEqual([
    '<<- [SUB a 1]',
    '->> [OK]',
    '<<- [CONNECT {"verbose":false,"name":"n"}]',
    '<-> [DELSUB 1]',
    '"n" - "$G/user:a" - <<- [SUB b 2]',
    '"n" - "$G/user:a" - Client parser ERROR, proto="FOO"',
    '"n" - "$G/user:a" - ->> [-ERR Unknown Protocol Operation]',
    '"n" - "$G/user:a" - <-> [DELSUB 2]',
  ]);
});

/** What the log says, without its label, of peers that each send one of the texts (a character a byte). */
async function loggedOf(...texts: string[]): Promise<string[]> {
  await using server = createTestBridge({ maxPayload: 1000 });
  for (const text of texts) {
    const peer = await server.greeted();
    await peer.send(text);
    // It is refused, or it is still there.
    await Promise.race([peer.ended(), peer.send('PING\r\n').then(() => peer.more())]);
  }
  await expect.poll(() => server.log.some((line) => line.startsWith('[ERR]'))).toBe(true);
  return server.log
    .filter((line) => line.startsWith('[ERR]'))
    .map((line) => line.replace(/^\[ERR\] :0 - cid:\d+ - /, ''));
}

it.each([
  ['SUB foo job worker 1\r\n', 'processSub Parse Error: "foo job worker 1"'],
  ['SUB foo\r\n', 'processSub Parse Error: "foo"'],
  ['UNSUB\t1 2 3\r\n', 'processUnsub Parse Error: "1 2 3"'],
  ['PUB foo\r\n', 'processPub Parse Error: "foo"'],
  ['pub foo b c 3\r\n', 'processPub Parse Error: "foo b c 3"'],
  ['PUB foo x\r\n', 'processPub Bad or Missing Size: "foo x"'],
  ['PUB \nfoo 3\r\n', 'processPub Parse Error: ""'],
  ['HPUB foo 3\r\n', 'processHeaderPub Parse Error: "foo 3"'],
  ['HPUB foo x 3\r\n', 'processHeaderPub Bad or Missing Header Size: "foo x 3"'],
  ['HPUB foo 3 x\r\n', 'processHeaderPub Bad or Missing Total Size: "foo 3 x"'],
  ['HPUB foo 5 3\r\n', 'processHeaderPub Header Size larger then TotalSize: "foo 5 3"'],
  ['PUB foo 2000000\r\n', 'maximum payload exceeded: 2000000 vs 1000'],
  ['HPUB foo r 12 2000 \r\n', 'maximum payload exceeded: 2000 vs 1000'],
  ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'Client parser ERROR, proto="GET / HTTP/1.1"'],
  ['\x16\x03\x01\x02\xff\x1b[2J', 'Client parser ERROR, proto="\\x16\\x03\\x01\\x02\\xff\\x1b[2J"'],
  ['PUB foo 1\r\nabc\r\n', 'Client parser ERROR, proto="PUB foo 1"'],
  ['CONECT {"pass":"s3cret"}\r\n', 'Client parser ERROR, proto="CONECT "'],
  ['SUB foo..bar 1\r\n', 'malformed subject: "foo..bar"'],
])('a line that is refused, %j, is named', async (line, text) => {
  expect(await loggedOf(line)).toEqual([text]);
});

it('a line that is too long is named by its beginning, without what may be secret', async () => {
  const [sub, connect] = await loggedOf(
    `SUB ${'x'.repeat(5000)}`,
    `CONNECT {"pass":"s3cret","name":"${'x'.repeat(5000)}"}\r\n`,
  );
  const max = 'maximum control line exceeded - max_control_line 4096';
  expect(sub).toBe(`${max} (snip: "SUB ${'x'.repeat(124)}...")`);
  expect(connect).toBe(`${max} (snip: "CONNECT ")`);
});

it('a malformed CONNECT shows nothing of itself', async () => {
  const logged = await loggedOf(
    'CONNECT {"pass":SECRET}\r\n',
    'CONNECT {"user":"\x1b[2J","pass":"SECRET\r\n',
    'CONNECT {"pass":["SECRET"]}\r\n',
    'INFO {"nonce":SECRET}\r\n',
  );
  expect(logged).toHaveLength(4);
  expect(logged.join('')).not.toMatch(/SECRET|\x1b/);
});

it('what a terminal obeys is escaped wherever a peer has said it', async () => {
  expect(await loggedOf("-ERR '\x1b]0;owned\x07'\r\n")).toEqual([
    "Client Error '\\x1b]0;owned\\x07'",
  ]);
});

it('secrets are not traced, however the JSON is written', async () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const logger = createLogger({ write, hasTime: false, isTrace: true, now: () => 0 });
  await using server = createTestBridge({ logger });
  const texts = [
    'CONNECT {"pass":SECRET,"user":"u"}',
    'CONNECT {"user":"u","PASS" : "SECRET',
    'CONNECT {"p\\u0061ss":"SECRET"}',
    'CONNECT {"auth_token":"a\\"SECRET"}',
    'CONNECT {"sig":[{"SECRET":1},"SECRET"],"x":1}',
    'CONNECT {"pass":a"SECRET","user":"u"}',
    "CONNECT {'pass':'SECRET'}",
    'CONNECT {pass=SECRET}',
    'CONNECT {"pass" = "SECRET","user":"u=v"}',
    'CONNECT{"pass":"SECRET"}',
    'connectx{"pass":"SECRET"}',
  ];
  for (const text of texts) {
    const peer = server.connect();
    await peer.line();
    await peer.send(`${text}\r\n`);
    await Promise.race([peer.ended(), peer.more()]);
  }
  const traced = lines.filter((line) => line.includes('<<- [CONNECT'));
  expect(traced.map((line) => line.slice(line.indexOf('[CONNECT'), -1))).toEqual([
    '[CONNECT {"pass":"[REDACTED]","user":"u"}]',
    '[CONNECT {"user":"u","PASS" :"[REDACTED]"]',
    '[CONNECT {"p\\u0061ss":"[REDACTED]"}]',
    '[CONNECT {"auth_token":"[REDACTED]"}]',
    '[CONNECT {"sig":"[REDACTED]","x":1}]',
    '[CONNECT {"pass":"[REDACTED]","user":"u"}]',
    `[CONNECT {'pass':"[REDACTED]"}]`,
    '[CONNECT {pass="[REDACTED]"}]',
    '[CONNECT {"pass" ="[REDACTED]","user":"u=v"}]',
    '[CONNECT {"pass":"[REDACTED]"}]',
    '[CONNECT x{"pass":"[REDACTED]"}]',
  ]);
  expect(lines.join('')).not.toContain('SECRET');
});

it('how long a line of the log gets is not for the peer to say', async () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const logger = createLogger({ write, hasTime: false, isTrace: true, now: () => 0 });
  await using server = createTestBridge({ logger, maxControlLine: 100_000 });
  const peer = await server.greeted({ name: 'n'.repeat(50_000) });
  await peer.send('SUB > 1\r\n');
  await peer.ping();
  for (const byte of ['\xff', 'x', '\x1b']) {
    void peer.send(`PUB a 1000000\r\n${byte.repeat(1_000_000)}\r\n`);
    await peer.expectLine('MSG a 1 1000000');
    await peer.take(1_000_002);
  }
  void peer.send(`SUB ${'\xff'.repeat(90_000)} 1\r\n`);
  await peer.ended();
  // Each byte of a payload may be four characters.
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(20_000);
  expect(lines.some((line) => line.endsWith('xxx..."]\n'))).toBe(true);
});

it('a megabyte of any bytes is quoted without asking a decoder for each', () => {
  const kinds: ((i: number) => number)[] = [
    () => 0xff,
    (i) => (i * 7919) % 256,
    (i) => [0xed, 0xa0, 0x80][i % 3] as number,
    (i) => [0xe4, 0xb8, 0x96][i % 3] as number,
    () => 0x41,
  ];
  for (const byteAt of kinds) {
    const bytes = Uint8Array.from({ length: 1_048_575 }, (_, i) => byteAt(i));
    const decode = vi.spyOn(TextDecoder.prototype, 'decode');
    const text = quoteGo(bytes);
    // It took seconds when each faulty byte was an exception of one.
    expect(decode.mock.calls.length).toBeLessThanOrEqual(bytes.length / 16);
    decode.mockRestore();
    expect(text.length).toBeGreaterThan(340_000);
  }
});

it('text that is all but UTF-8 is told from it', () => {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const isText = (bytes: Uint8Array): boolean => {
    try {
      strict.decode(bytes);
      return true;
    } catch {
      return false;
    }
  };
  const firsts = [0x7f, 0x80, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5];
  const others = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0];
  for (const first of firsts) {
    for (const second of others) {
      for (const rest of [[], [0x80], [0x80, 0x80], [0xbf, 0xbf]]) {
        const bytes = Uint8Array.of(first, second, ...rest);
        const shows = quoteGo(bytes).includes('\\x');
        // Of ASCII, NUL and DEL are shown so, too.
        const isEscaped = !isText(bytes) || bytes.some((byte) => byte === 0 || byte === 0x7f);
        expect(shows, `${bytes}`).toBe(isEscaped);
      }
    }
  }
});
