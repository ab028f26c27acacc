// Who may come in by WebSocket: what its block says in place of the server's, and what cookies say in place of CONNECT.
// Where nats-server is found, the same files and the same peers are given to both.

import { hashSync } from 'bcryptjs';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { loadConfig } from '../../src/server/index.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { startServer } from '../../src/testing/index.ts';
import { findReference, startReference } from '../reference.ts';
import { answer, said } from '../support/login.ts';
import { useScratch } from '../support/scratch.ts';

const scratch = useScratch('websocket');
const { ends, write } = scratch;

/** By which ports a server is reached. */
interface Ports {
  readonly plain: number;
  readonly websocket: number;
  log(): string;
}

async function ours(text: string): Promise<Ports> {
  let log = '';
  const logger = createLogger({
    write: (line) => {
      log += line;
    },
    now: () => 0,
    hasTime: false,
    isDebug: true,
    isTrace: true,
  });
  const options = await loadConfig(write(text));
  const { websocket } = options;
  const server = await startServer({
    ...options,
    host: '127.0.0.1',
    port: 0,
    logger,
    ...(websocket !== undefined && { websocket: { ...websocket, host: '127.0.0.1' } }),
  });
  ends.push(() => server.close());
  const port = Number(server.websocketUrl?.split(':').at(-1));
  return { plain: server.port, websocket: port, log: () => log };
}

async function theirs(text: string): Promise<Ports> {
  const server = await startReference(text);
  ends.push(() => server.close());
  const port = Number(/websocket clients on ws:\/\/\S+:(\d+)/.exec(server.log())?.[1]);
  return { plain: server.port, websocket: port, log: () => server.log() };
}

/** What is said to these words, as far as it is about who comes in; undefined says nothing but PING. */
function heard(port: number, connect: object | undefined, cookie = ''): Promise<string[]> {
  const headers = cookie === '' ? {} : { Cookie: cookie };
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers });
  return new Promise((resolve, reject) => {
    let text = '';
    const end = (): void => {
      socket.terminate();
      const lines = text.trimEnd().split('\r\n');
      resolve(
        lines.map((line) =>
          line.startsWith('INFO ') ? `INFO ${JSON.parse(line.slice(5)).auth_required}` : line,
        ),
      );
    };
    socket.on('message', (data) => {
      if (text === '') {
        const options = JSON.stringify({ verbose: false, protocol: 1, ...connect });
        socket.send(connect === undefined ? 'PING\r\n' : `CONNECT ${options}\r\nPING\r\n`);
      }
      text += data;
      if (connect === undefined ? text.includes('PONG') : /PONG\r\nINFO .*\r\n$/.test(text)) end();
    });
    socket.on('close', end);
    socket.on('error', reject);
  });
}

const WEBSOCKET = 'port: -1, no_tls: true';
const USERS = 'authorization { users: [ {user: a, password: p}, {user: b, password: q} ] }';
const COOKIES = 'user_cookie: "u", pass_cookie: "w", token_cookie: "t"';
const HASH = hashSync('p', 4);

const FILES: readonly string[] = [
  `websocket { ${WEBSOCKET}, authorization { user: a, password: p } }`,
  `websocket { ${WEBSOCKET}, authorization { token: t } }`,
  `authorization { user: b, password: q }\nwebsocket { ${WEBSOCKET}, authorization { user: a, password: p } }`,
  `authorization { token: x }\nwebsocket { ${WEBSOCKET}, authorization { token: t } }`,
  `authorization { token: t }\nwebsocket { ${WEBSOCKET} }`,
  `${USERS}\nwebsocket { ${WEBSOCKET}, no_auth_user: b }`,
  `${USERS}\nno_auth_user: a\nwebsocket { ${WEBSOCKET} }`,
  `${USERS}\nno_auth_user: a\nwebsocket { ${WEBSOCKET}, no_auth_user: b }`,
  `${USERS}\nwebsocket { ${WEBSOCKET}, ${COOKIES} }`,
  `authorization { token: t }\nwebsocket { ${WEBSOCKET}, ${COOKIES} }`,
  `websocket { ${WEBSOCKET}, ${COOKIES}, authorization { user: a, password: "${HASH}" } }`,
  `${USERS}\nwebsocket { ${WEBSOCKET}, user_cookie: "u", pass_cookie: "u" }`,
];

const PEERS: readonly (object | undefined)[] = [
  undefined,
  {},
  { user: 'a', pass: 'p' },
  { user: 'a', pass: 'x' },
  { user: 'b', pass: 'q' },
  { auth_token: 't' },
  { pass: 'p' },
];

const COOKIE_LINES = ['', 'u=a; w=p', 'u="a"; w="p"', 'u=b; w=p; t=t', 't=t', 't=x', 'u=a', 'a=u'];

const binary = findReference();
const reason = binary === undefined ? ' (nats-server was not found)' : '';
describe.skipIf(binary === undefined)(`beside nats-server${reason}`, () => {
  test.each(FILES)('%s lets in the same', async (text) => {
    const [our, their] = await Promise.all([ours(text), theirs(text)]);
    for (const peer of PEERS) {
      const plain = await Promise.all([answer(our.plain, peer), answer(their.plain, peer)]);
      expect([peer, plain[0]]).toEqual([peer, plain[1]]);
      for (const cookie of text.includes('cookie') ? COOKIE_LINES : ['']) {
        const both = await Promise.all([
          heard(our.websocket, peer, cookie),
          heard(their.websocket, peer, cookie),
        ]);
        expect([peer, cookie, both[0]]).toEqual([peer, cookie, both[1]]);
      }
    }
  });
});

const ADMITTED = ['INFO true', 'PONG', 'INFO true'];
const REFUSED = ['INFO true', "-ERR 'Authorization Violation'"];

test('what its block says holds there alone', async () => {
  const server = await ours(
    `authorization { user: b, password: q }\nwebsocket { ${WEBSOCKET}, authorization { token: t } }`,
  );
  expect(await heard(server.websocket, { auth_token: 't' })).toEqual(ADMITTED);
  expect(await heard(server.websocket, { user: 'b', pass: 'q' })).toEqual(REFUSED);
  expect(await answer(server.plain, { user: 'b', pass: 'q' })).toEqual(ADMITTED);
  expect(await answer(server.plain, { auth_token: 't' })).toEqual(REFUSED);
});

test('cookies say what CONNECT does not, and are not in the log', async () => {
  const server = await ours(`${USERS}\nwebsocket { ${WEBSOCKET}, ${COOKIES} }`);
  expect(await heard(server.websocket, {}, 'u=a; w=p')).toEqual(ADMITTED);
  expect(await heard(server.websocket, {}, 'u=a; w=hidden')).toEqual(REFUSED);
  expect(await heard(server.websocket, { user: 'b', pass: 'q' }, 'u=a; w=hidden')).toEqual(
    ADMITTED,
  );
  expect(await heard(server.websocket, { user: 'b' }, 'w=q')).toEqual(ADMITTED);
  expect(server.log()).toContain('authentication error - User "a"');
  expect(server.log()).not.toContain('hidden');
});

test('where only they are asked, others are not, and /varz says so', async () => {
  const server = await startServer({
    monitoring: {},
    websocket: { authorization: { token: 't' } },
  });
  ends.push(() => server.close());
  expect((await answer(server.port, {}))[0]).toBe('INFO undefined');
  const varz = await (await fetch(`${server.monitoringUrl}/varz`)).json();
  expect(varz).not.toHaveProperty('auth_required');
});

test('its time to authenticate is its own', async () => {
  const server = await ours(
    `authorization { token: t, timeout: 30 }\nwebsocket { ${WEBSOCKET}, authorization { token: t, timeout: 0.1 } }`,
  );
  const socket = new WebSocket(`ws://127.0.0.1:${server.websocket}`);
  let text = '';
  socket.on('message', (data) => {
    text += data;
  });
  const plain = said(server.plain, '', /INFO/);
  await expect.poll(() => text).toContain("-ERR 'Authentication Timeout'");
  expect(await plain).not.toContain('-ERR');
});

test.each([
  [
    'authorization { token: "" }',
    'Whoever comes by WebSocket is let in: websocket.authorization.token is empty',
  ],
  ['authorization { user: "", password: p }', 'websocket.authorization.user is empty'],
  [
    'authorization { user: a }',
    'User "a" is let in without a password: websocket.authorization.password is empty',
  ],
])('loadConfig says of websocket { %s }: %s', async (text, expected) => {
  await expect(loadConfig(write(`websocket { ${WEBSOCKET}, ${text} }`))).rejects.toThrow(expected);
});
