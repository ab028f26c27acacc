// The bridge on real sockets: with the official client, and with peers that half-close or break off.
import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { connect, headers, type NatsConnection, StringCodec } from 'nats';
import { expect, it } from 'vitest';
import { type Bridge, createBridge } from '../../src/bridge/bridge.ts';
import { type Bus, createBus } from '../../src/index.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { DEFAULT_LIMITS } from '../../src/shared/limits.ts';
import { silentLogger } from '../../src/shared/logger.ts';

interface TcpServer extends AsyncDisposable {
  readonly bus: Bus;
  readonly bridge: Bridge;
  client(): Promise<NatsConnection>;
  /** A socket that stays open for writing when the server ends. */
  socket(): Promise<Socket>;
}

const options = {
  ...DEFAULT_LIMITS,
  serverId: 'NTCP',
  serverName: 'tcp',
  inboundMax: 2 ** 30,
  outboundMax: 2 ** 30,
  clock: systemClock,
  logger: silentLogger,
};

const address = { host: '127.0.0.1', port: 0 };

async function start(): Promise<TcpServer> {
  const bus = createBus();
  const bridge = await createBridge(bus, options, address);
  const opened: (() => unknown)[] = [];
  return {
    bus,
    bridge,
    client: async () => {
      const client = await connect({ servers: `127.0.0.1:${bridge.port}` });
      opened.push(() => client.close());
      return client;
    },
    socket: async () => {
      const socket = connectSocket({ host: '127.0.0.1', port: bridge.port, allowHalfOpen: true });
      socket.on('error', () => {});
      opened.push(() => socket.destroy());
      await once(socket, 'connect');
      return socket;
    },
    [Symbol.asyncDispose]: async () => {
      for (const close of opened) await close();
      await bridge.close();
      await bus.close();
    },
  };
}

/** All that comes until the server ends. */
async function drain(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  await once(socket, 'close');
  return text;
}

const codec = StringCodec();

it('official clients publish, subscribe, share work and ask', async () => {
  await using server = await start();
  const [a, b] = [await server.client(), await server.client()];
  const greetings = a.subscribe('greet.*', { max: 3 });
  const work = [a.subscribe('work', { queue: 'q' }), b.subscribe('work', { queue: 'q' })];
  a.subscribe('add', {
    callback: (_, message) => {
      const sum = codec.decode(message.data).split('+').map(Number);
      message.respond(codec.encode(String(sum.reduce((x, y) => x + y, 0))));
    },
  });
  await a.flush();
  await b.flush();
  const header = headers();
  header.set('Lang', 'en');
  for (const name of ['joe', 'pam', 'sue']) {
    b.publish(`greet.${name}`, codec.encode(`hello ${name}`), { headers: header });
  }
  const seen: string[] = [];
  for await (const message of greetings) {
    seen.push(`${message.subject} ${codec.decode(message.data)} ${message.headers?.get('Lang')}`);
  }
  expect(seen).toEqual(['joe', 'pam', 'sue'].map((name) => `greet.${name} hello ${name} en`));
  expect(codec.decode((await b.request('add', codec.encode('2+3'))).data)).toBe('5');
  await expect(b.request('nobody')).rejects.toMatchObject({ code: '503' });
  for (let i = 0; i < 100; i++) server.bus.publish('work', `${i}`);
  await a.flush();
  await b.flush();
  const [first, second] = work.map((subscription) => subscription.getReceived());
  expect((first ?? 0) + (second ?? 0)).toBe(100);
  expect(first).toBeGreaterThan(0);
  expect(second).toBeGreaterThan(0);
  await a.drain();
  await expect.poll(() => server.bridge.connections().length).toBe(1);
});

it('a hundred thousand messages arrive in order', async () => {
  await using server = await start();
  const [a, b] = [await server.client(), await server.client()];
  const count = 100_000;
  const subscription = a.subscribe('n', { max: count });
  await a.flush();
  for (let i = 0; i < count; i++) b.publish('n', codec.encode(String(i)));
  let next = 0;
  for await (const message of subscription) {
    if (codec.decode(message.data) !== String(next)) break;
    next += 1;
  }
  expect(next).toBe(count);
});

it('payloads of all sizes sent at once arrive as they were', async () => {
  await using server = await start();
  const [reader, writer] = [await server.socket(), await server.socket()];
  const chunks: Uint8Array[] = [];
  // Without CONNECT: two seconds after that a PING would come among the messages.
  reader.write('SUB all 1\r\nPING\r\n');
  while (!Buffer.concat(chunks).includes('PONG\r\n')) chunks.push((await once(reader, 'data'))[0]);
  // Around the headroom, the narrow view and the whole inbox.
  const sizes = [0, 1, 16_384, 65_000, 65_536, 70_000, 300_000, 1_000_000, 1_048_576, 5, 131_072];
  const sent: Uint8Array[] = [];
  const expected: Uint8Array[] = [];
  for (let i = 0; i < 55; i++) {
    const size = sizes[(i * 7) % sizes.length]!;
    const payload = Buffer.from(
      Uint32Array.from({ length: (size >> 2) + 1 }, (_, n) => n * (i + 1)),
    );
    const body = Buffer.concat([payload.subarray(0, 1), Buffer.alloc(size, payload)]).subarray(
      0,
      size,
    );
    sent.push(Buffer.from(`PUB all ${size}\r\n`), body, Buffer.from('\r\n'));
    expected.push(Buffer.from(`MSG all 1 ${size}\r\n`), body, Buffer.from('\r\n'));
  }
  const wanted = Buffer.concat(expected);
  const got: Uint8Array[] = [];
  let bytes = 0;
  const all = new Promise<void>((resolve) => {
    reader.on('data', (chunk) => {
      got.push(chunk);
      bytes += chunk.length;
      if (bytes >= wanted.length) resolve();
    });
  });
  writer.write(Buffer.concat([Buffer.from('CONNECT {"verbose":false}\r\n'), ...sent]));
  await all;
  expect(Buffer.compare(Buffer.concat(got), wanted)).toBe(0);
  expect(server.bridge.heldBytes.inbound).toBe(0);
});

it('a payload of one mebibyte goes to several clients', async () => {
  await using server = await start();
  const clients = [await server.client(), await server.client(), await server.client()];
  const subscriptions = clients.map((client) => client.subscribe('big', { max: 2 }));
  for (const client of clients) await client.flush();
  const payload = new Uint8Array(1_048_576).map((_, i) => i % 251);
  clients[0]!.publish('big', payload);
  server.bus.publish('big', payload);
  for (const subscription of subscriptions) {
    for await (const message of subscription) {
      expect(Buffer.compare(message.data, payload)).toBe(0);
    }
  }
});

it('a peer that ends its side is answered before the end', async () => {
  await using server = await start();
  const socket = await server.socket();
  socket.end('SUB a 1\r\nPUB a 2\r\nhi\r\nPING\r\n');
  const text = await drain(socket);
  expect(text).toContain('MSG a 1 2\r\nhi\r\nPONG\r\n');
  await expect.poll(() => server.bridge.connections()).toEqual([]);
  expect(server.bridge.endedConnections().at(-1)?.reason).toBe('Client Closed');
});

it('a peer that is refused while it goes on sending hears why', async () => {
  await using server = await start();
  const socket = await server.socket();
  const text = drain(socket);
  socket.write(`PUB a 9999999\r\n${'x'.repeat(1_000_000)}`);
  await once(socket, 'end');
  socket.end();
  expect(await text).toContain("-ERR 'Maximum Payload Violation'\r\n");
});

it('a peer that breaks off is gone', async () => {
  await using server = await start();
  const socket = await server.socket();
  await once(socket, 'data');
  socket.resetAndDestroy();
  await expect.poll(() => server.bridge.endedConnections().at(-1)?.reason).toBe('Read Error');
  expect(server.bridge.connectionCount).toBe(0);
});

it('a port that is taken is told, and the bus is as before', async () => {
  await using server = await start();
  const bus = createBus();
  const taken = { ...address, port: server.bridge.port };
  await expect(createBridge(bus, options, taken)).rejects.toThrow(/EADDRINUSE/);
  const second = await createBridge(bus, options, address);
  expect(second.addresses).toEqual([`127.0.0.1:${second.port}`]);
  await second.close();
  await bus.close();
});
