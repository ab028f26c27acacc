// Who may come in: by the options of `serve` and `startServer`, by a configuration file, and as the program decides.
// Where nats-server is found, the same files and the same peers are given to both.
import { connect as openSocket } from 'node:net';
import { wsconnect } from '@nats-io/nats-core';
import { connect, tokenAuthenticator } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createBus } from '../../src/index.ts';
import {
  type Authenticate,
  type Credentials,
  loadConfig,
  type ServeOptions,
  serve,
} from '../../src/server/index.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { startServer, type TestServer, type TestServerOptions } from '../../src/testing/index.ts';
import { findReference, startReference } from '../reference.ts';
import { answer, IN, OUT, said } from '../support/login.ts';
import { useScratch } from '../support/scratch.ts';

// Node 20 has none of its own.
globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket;

const scratch = useScratch('authorization');
const { ends, write } = scratch;

interface Logged extends TestServer {
  log(): string;
}

async function start(options: TestServerOptions): Promise<Logged> {
  const lines: string[] = [];
  const logger = createLogger({
    write: (line) => lines.push(line),
    now: () => 0,
    hasTime: false,
    isDebug: true,
    isTrace: true,
  });
  const server = await startServer({ logger, ...options });
  ends.push(() => server.close());
  return Object.assign(server, { log: () => lines.join('') });
}

const DAY_MS = 86_400_000;
const USERS = [
  { user: 'a', pass: 'p' },
  { user: 'b', pass: 'q' },
];

describe('by options', () => {
  test.each<[ServeOptions['authorization'], object | undefined, readonly string[]]>([
    [{ token: 't' }, { auth_token: 't' }, IN],
    [{ token: 't' }, { auth_token: 'T' }, OUT],
    [{ token: 't' }, { user: 't', pass: 't' }, OUT],
    [{ token: 't' }, {}, OUT],
    [{ token: 't' }, undefined, OUT],
    [{ user: 'a', pass: 'p' }, { user: 'a', pass: 'p' }, IN],
    [{ user: 'a', pass: 'p' }, { user: 'a', pass: 'P' }, OUT],
    [{ user: 'a', pass: 'p' }, { user: 'A', pass: 'p' }, OUT],
    [{ user: 'a', pass: 'p' }, { pass: 'p' }, OUT],
    [{ user: 'a', pass: 'p' }, { user: 'a', pass: '' }, OUT],
    [{ user: 'a', pass: 'p' }, { auth_token: 'p' }, OUT],
    [{ users: USERS }, { user: 'b', pass: 'q' }, IN],
    [{ users: USERS }, { user: 'b', pass: 'p' }, OUT],
    [{ users: USERS }, { user: 'c', pass: 'p' }, OUT],
    [{ users: USERS }, { user: '__proto__', pass: '' }, OUT],
    [{ users: USERS }, {}, OUT],
    [{ users: USERS, token: 't' }, { auth_token: 't' }, IN],
    [{ users: USERS, token: 't' }, { auth_token: 't', user: 'a', pass: 'x' }, OUT],
    [{ token: '¡Ünïcödé\u0001"\\☃' }, { auth_token: '¡Ünïcödé\u0001"\\☃' }, IN],
  ])('%j answers %j by %j', async (authorization, connect, expected) => {
    const server = await start({ authorization: authorization! });
    expect(await answer(server.port, connect)).toEqual(expected);
  });

  test('who says nothing of itself is let in where a user stands for it, and INFO does not ask', async () => {
    const server = await start({ authorization: { users: USERS, noAuthUser: 'b' } });
    expect(await answer(server.port, {})).toEqual(['INFO undefined', 'PONG', 'INFO true']);
    expect(await answer(server.port, undefined)).toEqual(['INFO undefined', 'PONG']);
    const out = ['INFO undefined', "-ERR 'Authorization Violation'"];
    expect(await answer(server.port, { user: 'b' })).toEqual(out);
    expect(await answer(server.port, { pass: 'q' })).toEqual(out);
    expect(await answer(server.port, { auth_token: 'q' })).toEqual(out);
    const got = new Promise((resolve) => server.bus.subscribe('x', (m) => resolve(m.string())));
    await said(server.port, 'PUB x 2\r\nhi\r\nPING\r\n');
    expect(await got).toBe('hi');
    // What was subscribed to in silence ends by CONNECT, as by a second one.
    const words = 'SUB y 1\r\nCONNECT {"verbose":false}\r\nPUB y 0\r\n\r\nPING\r\n';
    expect(await said(server.port, words)).not.toContain('MSG');
  });

  test('clients come in by WebSocket under the same rules, and INFO asks them in any case', async () => {
    const server = await start({
      authorization: { users: USERS, noAuthUser: 'b' },
      websocket: {},
    });
    const servers = server.websocketUrl!;
    const client = await wsconnect({ servers, user: 'a', pass: 'p' });
    expect(client.info?.auth_required).toBe(true);
    await client.close();
    await expect(wsconnect({ servers, user: 'a', pass: 'x' })).rejects.toThrow(/authorization/i);
  });

  test('official clients come in with what is right, and hear why they do not', async () => {
    const users = await start({ authorization: { users: USERS } });
    const known = await connect({ servers: users.url, user: 'a', pass: 'p' });
    await known.close();
    const wrong = connect({ servers: users.url, user: 'a', pass: 'x' });
    await expect(wrong).rejects.toThrow(/Authorization Violation/);
    const token = await start({ authorization: { token: 'secret' } });
    const bearer = await connect({
      servers: token.url,
      authenticator: tokenAuthenticator(() => 'secret'),
    });
    await bearer.close();
    expect(token.url).not.toContain('secret');
  });

  test('who does not say CONNECT in time is told so', async () => {
    const server = await start({ authorization: { token: 't' }, authTimeoutMs: 200 });
    expect(await said(server.port, '')).toMatch(/\r\n-ERR 'Authentication Timeout'\r\n$/);
  });

  test('monitoring shows that, and no secrets; the log neither', async () => {
    const server = await start({
      authorization: { users: [{ user: 'a', pass: 'hidden-1' }], token: 'hidden-2' },
      authTimeoutMs: 1500,
      monitoring: {},
    });
    await answer(server.port, { user: 'a', pass: 'hidden-1', auth_token: 'hidden-2' });
    await answer(server.port, { user: 'a', pass: 'hidden-3' });
    const varz = await (await fetch(`${server.monitoringUrl}/varz`)).text();
    expect(JSON.parse(varz)).toMatchObject({ auth_required: true, auth_timeout: 1.5 });
    const seen = varz + server.log() + JSON.stringify(server.connections());
    expect(seen).not.toContain('hidden');
    expect(server.log()).toContain('[WRN] Plaintext passwords detected, use nkeys or bcrypt\n');
    expect(server.log()).toContain('authentication error - User "a"');
  });

  test('a token is no password to warn of, and without any of it nothing is asked', async () => {
    const token = await start({ authorization: { token: 't' } });
    expect(token.log()).not.toContain('WRN');
    const open = await start({ monitoring: {} });
    expect(await answer(open.port, { user: 'x' })).toEqual([
      'INFO undefined',
      'PONG',
      'INFO undefined',
    ]);
    const varz = await (await fetch(`${open.monitoringUrl}/varz`)).json();
    expect(varz).not.toHaveProperty('auth_required');
    expect(varz).toMatchObject({ auth_timeout: 2 });
  });
});

describe('no start', () => {
  test.each<[unknown, string]>([
    [{}, "'authorization' must have user and pass, token, or users"],
    [null, "'authorization' must be an object"],
    ['secret', "'authorization' must be an object"],
    [[], "'authorization' must be an object"],
    [{ token: '' }, "'authorization.token' cannot be empty"],
    [{ token: 1 }, "'authorization.token' must be a string"],
    [{ user: 'a' }, "'authorization.pass' must be a string"],
    [{ user: 'a', pass: '' }, "'authorization.pass' cannot be empty"],
    [{ user: '', pass: 'p' }, "'authorization.user' must be a string that is not empty"],
    [{ pass: 'p' }, "'authorization.user' must be a string that is not empty"],
    [{ user: 'a', pass: 'p', token: 't' }, "'authorization' must have user and pass, token, or"],
    [{ user: 'a', pass: 'p', permissions: {} }, "'authorization.permissions' is not supported"],
    [{ users: [] }, "'authorization.users' must be a list of users"],
    [{ users: {} }, "'authorization.users' must be a list of users"],
    [{ users: null }, "'authorization.users' must be a list of users"],
    [{ users: [null] }, "'authorization.users' must be an object"],
    [{ users: [{ user: 'a' }] }, "'authorization.users.pass' must be a string"],
    [{ users: [{ user: 'a', pass: '' }] }, "'authorization.users.pass' cannot be empty"],
    [
      { users: [...USERS, { user: 'a', pass: 'x' }] },
      `'authorization.users' cannot hold "a" twice`,
    ],
    [{ users: [{ nkey: 'U' }] }, "'authorization.users.nkey' is not supported"],
    [
      { users: [{ user: 'a', pass: 'p', permissions: {} }] },
      "'authorization.users.permissions' is not supported",
    ],
    [{ users: USERS, user: 'a', pass: 'p' }, "'authorization' cannot have both user and users"],
    [{ users: USERS, noAuthUser: 'c' }, "'authorization.noAuthUser' must be one of users"],
    [{ users: USERS, noAuthUser: '' }, "'authorization.noAuthUser' must be one of users"],
    [{ token: 't', noAuthUser: 'c' }, "'authorization.noAuthUser' must be one of users"],
    [{ nkey: 'U' }, "'authorization.nkey' is not supported"],
  ])('with %j: %s', async (authorization, text) => {
    const bus = createBus();
    ends.push(() => bus.close());
    const options = { port: 0, authorization } as ServeOptions;
    const failure = await serve(bus, options).catch((error: Error) => error);
    expect(failure).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    const { message } = failure as Error;
    expect(message).toContain(text);
  });

  test.each<[object, string]>([
    [{ authenticate: null }, "'authenticate' must be a function"],
    [
      { authenticate: () => ({}), authorization: { token: 't' } },
      "'authenticate' cannot stand beside authorization",
    ],
    [{ authTimeoutMs: 0 }, "'authTimeoutMs' must be a whole number from 1"],
    [
      { authenticate: () => ({}), websocket: { authorization: { token: 't' } } },
      "'authenticate' cannot stand beside websocket.authorization",
    ],
    [
      { authorization: { users: USERS }, websocket: { authorization: { token: 't' } } },
      "'websocket.authorization' cannot stand beside authorization.users",
    ],
    [{ websocket: { noAuthUser: 'a' } }, "'websocket.noAuthUser' must be one of users"],
    [{ websocket: { authorization: { users: USERS } } }, "'websocket.authorization.users' is not"],
    [{ websocket: { authorization: { token: '' } } }, "'websocket.authorization.token' cannot be"],
    [{ websocket: { cookies: { cookie: 'c' } } }, "'websocket.cookies.cookie' is not an option"],
    [{ authorisation: { token: 't' } }, "'authorisation' is not an option"],
  ])('with %j: %s', async (options, text) => {
    await expect(startServer(options as ServeOptions)).rejects.toThrow(text);
  });

  test.each([
    ['token: ""', 'Whoever comes is let in: authorization.token is empty'],
    ['password: p', 'Whoever comes is let in: authorization.user is empty'],
    ['user: ""', 'Whoever comes is let in: authorization.user is empty'],
    ['users: []', 'Whoever comes is let in: authorization.users is empty'],
    ['user: a', 'User "a" is let in without a password: authorization.password is empty'],
    [
      'users: [ {user: a, password: p}, {user: b} ]',
      'User "b" is let in without a password: authorization.users.password is empty',
    ],
  ])('loadConfig says of { %s }: %s', async (text, expected) => {
    await expect(loadConfig(write(`authorization { ${text} }`))).rejects.toThrow(expected);
  });
});

describe('by a file', () => {
  test.each<[string, Partial<ServeOptions>]>([
    [
      'authorization { token: t, timeout: 0.5 }',
      { authorization: { token: 't' }, authTimeoutMs: 500 },
    ],
    ['authorization { timeout: "3s" }', { authTimeoutMs: 3000 }],
    ['authorization {}', {}],
    ['authorization { username: a, pass: p }', { authorization: { user: 'a', pass: 'p' } }],
    [
      'authorization { users: [ {user: a, password: p}, {username: b, pass: q} ] }\nno_auth_user: b',
      { authorization: { users: USERS, noAuthUser: 'b' } },
    ],
    [
      'authorization { users: [ {user: a, permissions: {}, proxy_required: false, connection_types: []} ] }\nno_auth_user: a',
      { authorization: { users: [{ user: 'a', pass: '' }], noAuthUser: 'a' } },
    ],
  ])('%j is %j', async (text, expected) => {
    const { configuration: _, ...options } = await loadConfig(write(text));
    expect(options).toEqual({ host: '0.0.0.0', port: 4222, ...expected });
    const server = await start({ ...options, host: '127.0.0.1', port: 0 });
    const isOpen = expected.authorization === undefined || 'noAuthUser' in expected.authorization;
    expect((await answer(server.port, {}))[1]).toBe(isOpen ? 'PONG' : OUT[1]);
  });
});

test('an option that is undefined leaves what the file asks for', async () => {
  const options = { authorization: undefined } as unknown as TestServerOptions;
  const config = write('listen: "127.0.0.1:-1"\nauthorization { token: t }');
  const server = await start({ ...options, config });
  expect(await answer(server.port, {})).toEqual(OUT);
});

const ANOTHER_WAY = 'authenticate must answer a plain object or null';

describe('as the program decides', () => {
  const known = ({ user, pass }: Credentials) => (user === 'a' && pass === 'p' ? { user } : null);

  test.each<[string, Authenticate]>([
    ['at once', known],
    ['later', async (credentials) => known(credentials)],
  ])('%s', async (_when, authenticate) => {
    const server = await start({ authenticate });
    expect(await answer(server.port, { user: 'a', pass: 'p' })).toEqual(IN);
    expect(await answer(server.port, { user: 'a', pass: 'x' })).toEqual(OUT);
    expect(await answer(server.port, undefined)).toEqual(OUT);
  });

  test('it is told what the peer says of itself, and where it comes from', async () => {
    const asked: Credentials[] = [];
    const server = await start({
      authenticate: (credentials) => {
        asked.push(credentials);
        return {};
      },
      websocket: {},
    });
    expect(await answer(server.port, { user: 'u', pass: 'p', auth_token: 't', name: 'n' })).toEqual(
      IN,
    );
    const client = await wsconnect({ servers: server.websocketUrl! });
    await client.close();
    const signal = expect.any(AbortSignal);
    expect(asked).toEqual([
      { user: 'u', pass: 'p', token: 't', name: 'n', address: '127.0.0.1', type: 'nats', signal },
      { user: '', pass: '', token: '', name: '', address: '127.0.0.1', type: 'websocket', signal },
    ]);
  });

  test.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
      'broken',
    ],
    ['rejects', () => Promise.reject(new Error('broken')), 'broken'],
    ['says yes in another way', () => true, ANOTHER_WAY],
    ['finds nothing in a list', async () => [], ANOTHER_WAY],
    ['answers an error instead of throwing it', () => new Error('no such user'), ANOTHER_WAY],
    ['answers a map', () => new Map(), ANOTHER_WAY],
    ['answers what it has found', () => new (class Row {})(), ANOTHER_WAY],
    [
      'names permissions',
      () => ({ permissions: {} }),
      'authenticate answered "permissions", which is not supported',
    ],
    [
      'names an account later',
      async () => ({ account: 'A' }),
      'authenticate answered "account", which is not supported',
    ],
    ['names no user', () => ({ user: 1 }), 'authenticate answered "user", which is not supported'],
    [
      'names no time',
      () => ({ expires: 'soon' }),
      'authenticate answered "expires", which is not supported',
    ],
  ])('nobody comes in when it %s, and the log says why', async (_what, authenticate, text) => {
    const server = await start({ authenticate: authenticate as Authenticate });
    expect(await answer(server.port, {})).toEqual(OUT);
    expect(server.log()).toContain(`authentication failed: ${text}`);
  });

  test.each([undefined, null, Promise.resolve(undefined)])('%s lets nobody in', async (verdict) => {
    const server = await start({ authenticate: (() => verdict) as Authenticate });
    expect(await answer(server.port, {})).toEqual(OUT);
  });

  test('a verdict that does not come is a refusal when its time is over', async () => {
    const server = await start({ authenticate: () => new Promise(() => {}), authTimeoutMs: 200 });
    expect(await answer(server.port, {})).toEqual(OUT);
  });
});

describe('a verdict of the program', () => {
  test('is not waited for any more when its time is over, or the peer has gone', async () => {
    const aborted: string[] = [];
    const server = await start({
      authTimeoutMs: 200,
      authenticate: ({ name, signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted.push(name);
            reject(new Error('given up'));
          });
        }),
    });
    const peer = openSocket(server.port, '127.0.0.1');
    peer.write('CONNECT {"name":"gone"}\r\n');
    await expect.poll(() => server.log()).toContain('"gone"');
    peer.destroy();
    await expect.poll(() => aborted).toEqual(['gone']);
    expect(await answer(server.port, { name: 'late' })).toEqual(OUT);
    expect(aborted).toEqual(['gone', 'late']);
  });

  test('is not aborted when it has come', async () => {
    const signals: AbortSignal[] = [];
    const server = await start({
      authenticate: async ({ signal }) => {
        signals.push(signal);
        return {};
      },
    });
    expect(await answer(server.port, {})).toEqual(IN);
    await expect.poll(() => server.connections()).toEqual([]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });

  test.each([
    ['a date', (ms: number) => new Date(Date.now() + ms)],
    ['milliseconds', (ms: number) => Date.now() + ms],
  ])('ends at %s, and not before', async (_what, at) => {
    const authenticate: Authenticate = ({ name }) => ({
      expires: at(name === 'brief' ? 300 : 40 * DAY_MS),
    });
    const server = await start({ authenticate });
    const client = await connect({ servers: server.url, name: 'long', reconnect: false });
    const heard = await said(server.port, 'CONNECT {"verbose":false,"name":"brief"}\r\n', /'\r\n$/);
    expect(heard).toContain("-ERR 'User Authentication Expired'");
    await client.flush();
    await client.close();
  });
});

const binary = findReference();
const reason = binary === undefined ? ' (nats-server was not found)' : '';
describe.skipIf(binary === undefined)(`beside nats-server${reason}`, () => {
  const PEERS: (object | undefined)[] = [
    undefined,
    {},
    { user: 'a' },
    { user: 'a', pass: 'p' },
    { user: 'a', pass: 'x' },
    { user: 'b', pass: 'q' },
    { user: 'c', pass: 'p' },
    { pass: 'p' },
    { user: '', pass: '', auth_token: '' },
    { auth_token: 't' },
    { auth_token: 'x' },
    { user: 't', pass: 't' },
    { user: 'a', pass: 'p', auth_token: 'x' },
    { nkey: 'UABC' },
    { jwt: 'x' },
  ];

  test.each([
    'authorization { token: t }',
    'authorization { user: a, password: p }',
    'authorization { users: [ {user: a, password: p}, {user: b, password: q} ] }',
    'authorization { users: [ {user: a, password: p}, {user: b, password: q} ] }\nno_auth_user: b',
    'authorization { users: [ {user: a} ] }\nno_auth_user: a',
    'authorization { timeout: 3 }',
  ])('%j lets in the same', async (text) => {
    const theirs = await startReference(text);
    ends.push(() => theirs.close());
    const ours = await start({ ...(await loadConfig(write(text))), host: '127.0.0.1', port: 0 });
    const warning = /\[WRN\] Plaintext.*/;
    expect(warning.exec(ours.log())?.[0]).toBe(warning.exec(theirs.log())?.[0]);
    for (const peer of PEERS) {
      const [our, their] = await Promise.all([answer(ours.port, peer), answer(theirs.port, peer)]);
      expect([peer, our]).toEqual([peer, their]);
    }
  });
});
