// Who may come in to the bin: by flags, by a file with flags over it, and with secrets that are empty. Where
// nats-server is found, the same command lines are given to both.
import { writeFileSync } from 'node:fs';
import { connect as openSocket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { Child } from '../interop/child.ts';
import { findReference } from '../reference.ts';
import { useCommand } from '../support/command.ts';
import { useScratch } from '../support/scratch.ts';

const TIMEOUT_MS = 30_000;
vi.setConfig({ testTimeout: TIMEOUT_MS });
const HASH = '$2a$11$ooo4Wd9.lZgbW6hwJkC8EeXUwRnhZsAoQyHSJtKnCMXZQ8kHWTnRW';

const program = useCommand();
const scratch = useScratch('authorization');
const { ends } = scratch;

/** Ours, or the one whose path is given, when it is ready. */
async function start(text: string, flags: readonly string[], path?: string): Promise<Child> {
  const file = join(scratch.folder, 'server.conf');
  writeFileSync(file, `port: -1\n${text}`);
  const args = ['-a', '127.0.0.1', '-c', file, ...flags];
  const child = await program.start(args, path);
  ends.push(() => child.close());
  return child;
}

/** The warnings of the log, without process numbers and times. */
function warnings(child: Child): string[] {
  return child.output().match(/\[WRN\] .*/g) ?? [];
}

/** What is said to a CONNECT of these credentials and a PING behind it; INFO as far as it asks for them. */
function heard(child: Child, credentials: object): Promise<string[]> {
  const connect = JSON.stringify({ verbose: false, ...credentials });
  const port = Number(/client connections on \S+:(\d+)/.exec(child.output())?.[1]);
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = openSocket(port, '127.0.0.1', () => {
      socket.write(`CONNECT ${connect}\r\nPING\r\n`);
    });
    socket.on('data', (data) => {
      said += data;
      if (said.split('\r\n').length > 2) socket.destroy();
    });
    socket.on('close', () => {
      const [info = '', words = ''] = said.split('\r\n');
      resolve([`INFO ${JSON.parse(info.slice(5)).auth_required}`, words]);
    });
    socket.on('error', reject);
  });
}

const OUT = "-ERR 'Authorization Violation'";
const PLAIN = '[WRN] Plaintext passwords detected, use nkeys or bcrypt';

/** Of a file, the flags over it, who is let in, and who is not. */
const GUARDED: readonly [string, string[], object, object][] = [
  ['', ['--user', 'a', '--pass', 'p'], { user: 'a', pass: 'p' }, { user: 'a', pass: 'x' }],
  ['', ['-auth', 't'], { auth_token: 't' }, { user: 't' }],
  [
    'authorization { user: a, password: x }',
    ['--pass=p'],
    { user: 'a', pass: 'p' },
    { user: 'a', pass: 'x' },
  ],
  [
    'authorization { user: a, password: p }',
    ['--auth', 't'],
    { auth_token: 't' },
    { user: 'a', pass: 'p' },
  ],
  [
    'authorization { users: [ {user: b, password: q} ] }',
    ['--auth', 't'],
    { auth_token: 't' },
    { user: 'c', auth_token: 't' },
  ],
  [
    'authorization { users: [ {user: b, password: q} ] }',
    ['--user', 'a', '--pass', 'p'],
    { user: 'b', pass: 'q' },
    { user: 'a', pass: 'p' },
  ],
  [
    `authorization { user: a, password: "${HASH}" }`,
    ['--pass', 'p'],
    { user: 'a', pass: 'p' },
    { user: 'a', pass: HASH },
  ],
  ['authorization { users: [ {user: b, password: q} ] }\nno_auth_user: b', [], {}, { user: 'b' }],
];

const WHOEVER = 'Whoever comes is let in: authorization.';

/** Of a file, the flags over it, who is let in by an empty secret, and how that is said. */
const EMPTY: readonly [string, string[], object, string][] = [
  ['authorization { token: "" }', [], {}, `${WHOEVER}token is empty`],
  ['authorization { token: t }', ['--auth', ''], {}, `${WHOEVER}token is empty`],
  ['', ['--auth='], {}, `${WHOEVER}token is empty`],
  ['', ['--pass', 'p'], {}, `${WHOEVER}user is empty`],
  ['authorization { user: a, password: p }', ['--user', ''], {}, `${WHOEVER}user is empty`],
  ['authorization { users: [] }', [], {}, `${WHOEVER}users is empty`],
  [
    '',
    ['--user', 'a'],
    { user: 'a' },
    'User "a" is let in without a password: authorization.password is empty',
  ],
  [
    'authorization { users: [ {user: a}, {user: b, password: q} ] }',
    [],
    { user: 'a' },
    'User "a" is let in without a password: authorization.users.password is empty',
  ],
];

describe('a server that asks who comes', () => {
  test.each(GUARDED)('%j %j lets in %j and not %j', async (text, flags, known, stranger) => {
    const child = await start(text, flags);
    expect((await heard(child, known))[1]).toBe('PONG');
    expect((await heard(child, stranger))[1]).toBe(OUT);
    await child.line(/authentication error/);
    expect(child.output()).not.toMatch(/No authorization is set|\$2a/);
  });

  test('warns of plain passwords, and not of a token', async () => {
    const child = await start('authorization { user: a, password: p }', []);
    const token = await start('authorization { token: t }', []);
    expect([warnings(child), warnings(token)]).toEqual([[PLAIN], []]);
  });

  test.each(EMPTY)('%j %j starts, lets in %j, and says: %s', async (text, flags, known, line) => {
    const child = await start(text, flags);
    expect((await heard(child, known))[1]).toBe('PONG');
    expect(warnings(child)).toContain(`[WRN] ${line}`);
  });

  test('says that anybody may use it only when nobody is asked', async () => {
    const asked = await start('', ['--auth', 't', '-a', '0.0.0.0']);
    const open = await start('', ['--auth', '', '-a', '0.0.0.0']);
    expect(asked.output()).not.toContain('No authorization is set');
    await open.line(/No authorization is set/);
  });
});

const binary = findReference();
const reason = binary === undefined ? ' (nats-server was not found)' : '';
describe.skipIf(binary === undefined)(`beside nats-server${reason}`, () => {
  const PEERS = [
    {},
    { user: 'a' },
    { user: 'a', pass: 'p' },
    { user: 'a', pass: 'x' },
    { user: 'b', pass: 'q' },
    { pass: 'p' },
    { auth_token: 't' },
    { auth_token: 'x' },
    { user: 'a', pass: 'p', auth_token: 't' },
  ];

  test.each(
    [...GUARDED.filter(([text]) => !text.includes(HASH)), ...EMPTY].map(
      ([text, flags]) => [text, flags] as const,
    ),
  )('%j %j lets in the same', async (text, flags) => {
    const [ours, theirs] = await Promise.all([start(text, flags), start(text, flags, binary)]);
    for (const peer of PEERS) {
      expect([peer, await heard(ours, peer)]).toEqual([peer, await heard(theirs, peer)]);
    }
  });
});
