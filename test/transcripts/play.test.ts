// The player, against a small server of its own: what it lets pass and what it finds.

import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseTranscript } from './parse.ts';
import { type Address, type Cutting, GREETING, play } from './play.ts';

const WHOLE: Cutting = { kind: 'whole' };
const reads: string[] = [];
const address = { host: '127.0.0.1', port: 0 };
let server: Server;

// Answers PING, echoes what begins with ECHO, ends on QUIT.
beforeAll(async () => {
  server = createServer((socket) => {
    let rest = '';
    socket.write('INFO {} \r\n');
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      reads.push(chunk.toString('latin1'));
      rest += chunk.toString('latin1');
      const lines = rest.split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === 'PING') socket.write('PONG\r\n');
        if (line.startsWith('ECHO ')) socket.write(`${line.slice(5)}\r\n`, 'latin1');
        if (line === 'QUIT') socket.end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound !== null && typeof bound === 'object') address.port = bound.port;
});

afterAll(() => {
  server.close();
});

beforeEach(() => {
  reads.length = 0;
});

function played(lines: string[], cutting: Cutting = WHOLE, to: Address = address): Promise<void> {
  const [entry] = parseTranscript('x', ['## T', '```nats', ...lines, '```'].join('\n'));
  if (entry === undefined) throw new Error('no case');
  return play('x', entry.conversation, to, cutting);
}

describe('a conversation passes', () => {
  test('when every line comes as it is written', async () => {
    await played(['a> ECHO hi', 'a< hi', 'A< INFO …\\x20', 'A> ECHO \\xff', 'A< \\xff']);
  });

  test('when one of several peers receives each line', async () => {
    const sent = ['a> ECHO 1', 'a> ECHO 2', 'b> ECHO 1', 'b> ECHO 3'];
    await played([...sent, 'a|b< 1', 'a|b< 3', 'a|b< 1', 'a|b< 2']);
  });

  test('when the server ends where the end is expected', async () => {
    await played(['a> ECHO bye', 'a> QUIT', 'a< bye', 'a| closed']);
  });
});

describe('a conversation fails', () => {
  test('when another line comes', async () => {
    await expect(played(['a> ECHO hi', 'a< ho'])).rejects.toThrow('wanted "ho\\r\\n"');
  });

  test('when something comes that nobody wanted', async () => {
    await expect(played(['a> ECHO hi'])).rejects.toThrow('silence');
  });

  test('when the server ends too early', async () => {
    await expect(played(['a> QUIT'])).rejects.toThrow('and the end');
  });

  test('when something is left before the end', async () => {
    const lines = ['a> ECHO hi', 'a> QUIT', 'a| closed'];
    await expect(played(lines)).rejects.toThrow('wanted the end');
  });

  test('when two peers receive what one should', async () => {
    await expect(played(['a> ECHO 1', 'b> ECHO 1', 'a|b< 1'])).rejects.toThrow('silence');
  });
});

describe('what a peer sends', () => {
  const lines = ['A< INFO …\\x20', 'A> ECHO a', 'A> ECHO b', 'A< a', 'A< b'];

  test('is one read where its lines follow each other', async () => {
    await played(lines);
    expect(reads).toEqual(['ECHO a\r\nECHO b\r\n', 'PING\r\n', 'PING\r\n']);
  });

  test('is a read for each piece', async () => {
    await played(lines, { kind: 'pieces', size: 5 });
    expect(reads.slice(0, 4)).toEqual(['ECHO ', 'a\r\nEC', 'HO b\r', '\n']);
  });

  test('is two reads with a cut, wherever the lines lie', async () => {
    await played(['a> ECHO a', 'a< a', 'b> ECHO b', 'b< b'], { kind: 'cut', position: 9 + 4 });
    expect(reads.filter((read) => !read.startsWith(GREETING) && read !== 'PING\r\n')).toEqual([
      'ECHO a\r\n',
      'ECHO ',
      'b\r\n',
    ]);
  });
});
