// What the bench says when a server is not as it should be: servers of a few lines that do one thing wrong.
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { parseAddress, type ServerAddress } from '../../src/cli/bench/address.ts';
import { BenchClient } from '../../src/cli/bench/client.ts';
import { LineReader } from '../../src/cli/bench/line-reader.ts';
import { openRequests } from '../../src/cli/bench/requests.ts';
import { openThroughput } from '../../src/cli/bench/throughput.ts';
import { createBus } from '../../src/index.ts';
import { serve } from '../../src/server/index.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const INFO = { server_id: 'NX', version: '2.15.1', max_payload: 1048576 };

/** A server that greets with `info` and gives each line of a client to `answer`. */
async function fakeServer(
  answer: (line: string, socket: Socket) => string | undefined,
  info: object = INFO,
): Promise<ServerAddress> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
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

  test('fails when a subscriber gets a message twice', async () => {
    const bus = createBus();
    const server = await serve(bus, { port: 0 });
    ends.push(
      () => bus.close(),
      () => server.close(),
    );
    const contender = await openThroughput(parseAddress(server.url), oneToOne);
    let count = 0;
    bus.subscribe('bench.*', (msg) => {
      if (count++ === 0) bus.publish(msg.subject, 'once more');
    });
    await expect(contender.round(0.01)).rejects.toThrow('more than was published');
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

test('lines are the same however they are cut', () => {
  const stream = Buffer.from(
    'PING\r\nMSG a.b 1 _R.3 5\r\nab\r\nc\r\nINFO {"a":1}\r\nHMSG x 9 0 0\r\n\r\nPONG\r\n',
  );
  const read = (step: number): unknown[] => {
    const seen: unknown[] = [];
    const reader = new LineReader({
      onLine: (verb, rest) => seen.push([verb, rest]),
      onMessage: (args, payloadLen) => seen.push([args, payloadLen]),
    });
    for (let at = 0; at < stream.length; at += step) reader.feed(stream.subarray(at, at + step));
    return seen;
  };
  const whole = read(stream.length);
  expect(whole).toEqual([
    ['PING', ''],
    [['MSG', 'a.b', '1', '_R.3', '5'], 5],
    ['INFO', '{"a":1}'],
    [['HMSG', 'x', '9', '0', '0'], 0],
    ['PONG', ''],
  ]);
  for (let step = 1; step < stream.length; step++) expect(read(step)).toEqual(whole);
});
