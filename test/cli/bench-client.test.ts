// What the bench says when a server is not as it should be: servers of a few lines that do one thing wrong.
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { parseAddress, type ServerAddress } from '../../src/cli/bench/address.ts';
import { BenchClient } from '../../src/cli/bench/client.ts';
import { LINE_MAX } from '../../src/cli/bench/line-reader.ts';
import { openRequests } from '../../src/cli/bench/requests.ts';
import { openThroughput } from '../../src/cli/bench/throughput.ts';
import { createBus } from '../../src/index.ts';
import { serve } from '../../src/server/index.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const INFO = { server_id: 'NX', version: '2.15.3', max_payload: 1048576 };

/** A server that greets with `info` and gives each line of a client to `answer`. */
async function fakeServer(
  answer: (line: string, socket: Socket) => string | undefined,
  info: unknown = INFO,
): Promise<ServerAddress> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write(`INFO ${typeof info === 'string' ? info : JSON.stringify(info)}\r\n`);
    let rest = '';
    socket.on('data', (bytes) => {
      const lines = (rest + bytes.toString('latin1')).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) socket.write(answer(line, socket) ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return parseAddress(`127.0.0.1:${address.port}`);
}

const polite = (line: string): string | undefined => (line === 'PING' ? 'PONG\r\n' : undefined);

describe('a connection', () => {
  test('shows its credentials and is refused with the words of the server', async () => {
    const seen: string[] = [];
    const { port } = await fakeServer((line) => {
      seen.push(line);
      return line === 'PING' ? "-ERR 'Authorization Violation'\r\n" : undefined;
    });
    const connecting = BenchClient.connect(parseAddress(`nats://ada:a%40b@127.0.0.1:${port}`));
    await expect(connecting).rejects.toThrow(
      `nats://127.0.0.1:${port}: the server says 'Authorization Violation'`,
    );
    const connect = JSON.parse(seen[0]?.replace('CONNECT ', '') ?? '');
    expect(connect).toMatchObject({ user: 'ada', pass: 'a@b', verbose: false });
  });

  test('is not made to a server that wants TLS', async () => {
    const address = await fakeServer(polite, { ...INFO, tls_required: true });
    await expect(BenchClient.connect(address)).rejects.toThrow('it requires TLS');
  });

  test('answers the PING of the server', async () => {
    let hasPonged: () => void = () => {};
    const ponged = new Promise<void>((resolve) => {
      hasPonged = resolve;
    });
    const address = await fakeServer((line) => {
      if (line === 'PONG') hasPonged();
      return line === 'PING' ? 'PONG\r\nPING\r\n' : undefined;
    });
    const client = await BenchClient.connect(address);
    await ponged;
    client.close();
  });
});

const ESCAPES = '\u001b]0;mine\u0007\u009b2J\u202e';
const HARMLESS = '\\u{1b}]0;mine\\u{7}\\u{9b}2J\\u{202e}';

describe('what a server says is harmless on a terminal', () => {
  test('in its INFO', async () => {
    const texts = { server_id: `i${ESCAPES}`, server_name: `n${ESCAPES}`, version: `v${ESCAPES}` };
    const client = await BenchClient.connect(await fakeServer(polite, { ...INFO, ...texts }));
    expect(client.info).toMatchObject({
      server_id: `i${HARMLESS}`,
      server_name: `n${HARMLESS}`,
      version: `v${HARMLESS}`,
    });
    client.close();
  });

  test.each([
    [`-ERR 'no ${ESCAPES}é'`, `the server says 'no ${HARMLESS}é'`],
    [`\u001b[2J`, 'the server sent a line that is none: \\u{1b}[2J'],
  ])('in the line %j', async (line, complaint) => {
    const address = await fakeServer((asked) => (asked === 'PING' ? `${line}\r\n` : undefined));
    await expect(BenchClient.connect(address)).rejects.toThrow(complaint);
  });

  test('and short', async () => {
    const address = await fakeServer(polite, { ...INFO, server_name: '😀'.repeat(100_000) });
    const client = await BenchClient.connect(address);
    expect(client.info.server_name).toBe(`${'😀'.repeat(256)}…`);
    client.close();
  });
});

describe('an INFO is refused', () => {
  test.each([
    ['[]', 'that is no JSON object'],
    ['{"version":', 'that is no JSON object'],
    [{ version: 2 }, 'whose version is no text'],
    [{ max_payload: -1 }, 'whose max_payload is no size'],
    [{ max_payload: '1048576' }, 'whose max_payload is no size'],
    ['{"max_payload":1e999}', 'whose max_payload is no size'],
  ])('%j', async (info, complaint) => {
    const connecting = BenchClient.connect(await fakeServer(polite, info));
    await expect(connecting).rejects.toThrow(complaint);
  });
});

describe('a connection ends', () => {
  test.each([
    'MSG a 1 -1',
    'MSG a 1 -3',
    'MSG a 1 NaN',
    'MSG a 1 1e3',
    'MSG a 1 0x10',
    'MSG a 1 ',
    'MSG a 1',
    'MSG a 1 b c 5',
    'MSG a 1 1048577',
    'MSG a 1 99999999999999999999',
    'HMSG a 1 5 4',
    'HMSG a 1 -1 4',
    'HMSG a 1 12 9999999',
  ])('at %s', async (line) => {
    const address = await fakeServer((asked) =>
      asked === 'PING' ? `${line}\r\nPONG\r\n` : undefined,
    );
    const connecting = BenchClient.connect(address);
    await expect(connecting).rejects.toThrow('with a size that cannot be');
  });

  test('at a payload that is longer than was said', async () => {
    const address = await fakeServer((asked) =>
      asked === 'PING' ? 'MSG a 1 2\r\nabc\r\nPONG\r\n' : undefined,
    );
    const connecting = BenchClient.connect(address);
    await expect(connecting).rejects.toThrow('a message that is longer than it said');
  });

  test('at a line without an end', async () => {
    const address = await fakeServer((asked) =>
      asked === 'PING' ? 'x'.repeat(LINE_MAX + 1) : undefined,
    );
    const connecting = BenchClient.connect(address);
    await expect(connecting).rejects.toThrow('a line of more than 1048576 bytes');
  });

  test('at messages whose answers the server does not read', async () => {
    const address = await fakeServer((line, socket) => {
      if (!line.startsWith('SUB')) return polite(line);
      socket.pause();
      const ask = `MSG a 1 _R 0\r\n\r\n`.repeat(4096);
      socket.write('PONG\r\n');
      const more = (): void => {
        while (!socket.destroyed && socket.write(ask));
      };
      socket.on('drain', more);
      more();
      return undefined;
    });
    const opening = openRequests(address, { name: 'x', inFlight: 1, payloadLen: 4096 });
    const contender = await opening.catch((error: Error) => error);
    const failing = 'round' in contender ? contender.round(5) : Promise.reject(contender);
    await expect(failing).rejects.toThrow('does not read what it gets');
    if ('close' in contender) contender.close();
  });
});

describe('a round', () => {
  const oneToOne = { name: 'x', subscribers: 1, payloadLen: 16 };

  test('does not begin with payloads that the server does not take', async () => {
    const address = await fakeServer(polite, { ...INFO, max_payload: 15 });
    await expect(openThroughput(address, oneToOne)).rejects.toThrow(
      "payload of 16 bytes exceeds the server's max_payload 15",
    );
  });

  test('fails when the server closes a connection', async () => {
    const address = await fakeServer((line, socket) => {
      if (line.startsWith('PUB')) socket.destroy();
      return polite(line);
    });
    const contender = await openThroughput(address, oneToOne);
    await expect(contender.round(0.01)).rejects.toThrow();
    contender.close();
  });

  test('fails when a publish is not permitted', async () => {
    const address = await fakeServer((line) =>
      line.startsWith('PUB') ? "-ERR 'Permissions Violation for Publish'\r\n" : polite(line),
    );
    const contender = await openThroughput(address, { ...oneToOne, subscribers: 0 });
    await expect(contender.round(0.01)).rejects.toThrow('Permissions Violation for Publish');
    contender.close();
  });

  test.each([
    ['twice', 'x'.repeat(16), 'a subscriber got more than was published'],
    ['of somebody else', 'another', 'a subscriber got a message that was not published'],
  ])('fails when a subscriber gets a message %s', async (_, payload, complaint) => {
    const bus = createBus();
    const server = await serve(bus, { port: 0 });
    ends.push(
      () => bus.close(),
      () => server.close(),
    );
    const contender = await openThroughput(parseAddress(server.url), oneToOne);
    let count = 0;
    bus.subscribe('bench.*', (msg) => {
      if (count++ === 0) bus.publish(msg.subject, payload);
    });
    await expect(contender.round(0.01)).rejects.toThrow(complaint);
    contender.close();
  });

  test('fails with the words of a server that ends a subscription', async () => {
    let subscriber: Socket | undefined;
    const address = await fakeServer((line, socket) => {
      if (line.startsWith('SUB')) subscriber = socket;
      if (line.startsWith('PUB')) subscriber?.write("-ERR 'Permissions Violation'\r\n");
      return polite(line);
    });
    const contender = await openThroughput(address, oneToOne);
    await expect(contender.round(0.01)).rejects.toThrow("the server says 'Permissions Violation'");
    contender.close();
  });

  test('answers the PING that a subscriber gets between messages', async () => {
    let subscriber: Socket | undefined;
    let hasPonged = false;
    let isFirst = true;
    let withheld = '';
    const address = await fakeServer((line, socket) => {
      if (line.startsWith('SUB')) subscriber = socket;
      if (line === 'PONG') hasPonged = true;
      if (line.startsWith('PUB')) {
        const frame = `MSG ${line.split(' ')[1]} 1 16\r\n${'x'.repeat(16)}\r\n`;
        if (isFirst) subscriber?.write(`${frame}PING\r\n`);
        else withheld += frame;
        isFirst = false;
      }
      // All others come after the answer only.
      if (hasPonged && withheld !== '') {
        subscriber?.write(withheld);
        withheld = '';
      }
      return polite(line);
    });
    const contender = await openThroughput(address, oneToOne);
    const { operations } = await contender.round(0.01);
    expect([operations > 1, hasPonged]).toEqual([true, true]);
    contender.close();
  });

  test('fails when nobody answers requests', async () => {
    const address = await fakeServer((line) => {
      const [verb, , reply] = line.split(' ');
      if (verb !== 'PUB') return polite(line);
      return `HMSG ${reply} 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n`;
    });
    const contender = await openRequests(address, { name: 'x', inFlight: 2, payloadLen: 4 });
    await expect(contender.round(0.01)).rejects.toThrow('nobody answers requests');
    contender.close();
  });

  test('has latencies when all is well', async () => {
    const bus = createBus();
    const server = await serve(bus, { port: 0 });
    ends.push(
      () => bus.close(),
      () => server.close(),
    );
    const address = parseAddress(server.url);
    const contender = await openRequests(address, { name: 'x', inFlight: 3, payloadLen: 4 });
    for (let i = 0; i < 2; i++) {
      const { operations, p50Us = 0, p99Us = 0 } = await contender.round(0.01);
      expect(operations).toBeGreaterThanOrEqual(3);
      expect(p50Us).toBeGreaterThan(0);
      expect(p99Us).toBeGreaterThanOrEqual(p50Us);
    }
    contender.close();
  });
});
