// Every transport under the one contract.
import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { dial } from '../../src/net/dial.ts';
import { createPipe } from '../../src/net/pipe.ts';
import { listen } from '../../src/net/tcp.ts';
import { plainAddress, TcpTransport } from '../../src/net/tcp-transport.ts';
import type { Transport } from '../../src/net/transport.ts';
import { byteReader } from '../support/byte-reader.ts';
import { PipePeer } from '../support/pipe-peer.ts';
import { type TransportPair, transportPair } from '../support/transport-pair.ts';
import { DEFLATE_OFFER, webSocketPair } from '../support/websocket-pair.ts';
import { transportContract } from './transport.ts';

transportContract('a pipe', async () => {
  const [ours, theirs] = createPipe();
  return transportPair(ours, theirs, () => {});
});

transportContract('a WebSocket', () => webSocketPair());
transportContract('a WebSocket that compresses', () =>
  webSocketPair({ compression: true, headers: [DEFLATE_OFFER] }),
);
transportContract('the WebSocket of a browser', () =>
  webSocketPair({ headers: ['User-Agent: Mozilla/5.0'] }),
);
transportContract('the WebSocket of a browser that compresses', () =>
  webSocketPair({ compression: true, headers: [DEFLATE_OFFER, 'User-Agent: Mozilla/5.0'] }),
);

async function connectTcp(): Promise<TransportPair> {
  let accepted: (transport: Transport) => void = () => {};
  const waiting = new Promise<Transport>((resolve) => {
    accepted = resolve;
  });
  const onError = (error: Error): void => expect.fail(error.message);
  const listener = await listen({ host: '127.0.0.1', port: 0, onConnection: accepted, onError });
  const socket = connectSocket({ host: '127.0.0.1', port: listener.port, allowHalfOpen: true });
  await once(socket, 'connect');
  return transportPair(await waiting, new TcpTransport(socket, 'into'), () => listener.close());
}

transportContract('a TCP socket', connectTcp);

/** A transport whose reader's memory stays in its place, and which must read into it. */
function readingInto(inner: Transport): Transport {
  expect(inner.reads).toBe('into');
  return {
    peer: inner.peer,
    reads: inner.reads,
    write: (views, done) => inner.write(views, done),
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    end: () => inner.end(),
    destroy: () => inner.destroy(),
    start: (reader) => {
      inner.start({
        staysInPlace: true,
        view: () => reader.view(),
        onFilled: (length) => reader.onFilled(length),
        onClose: (error) => reader.onClose(error),
      });
    },
  };
}

async function dialTcp(): Promise<TransportPair> {
  let accepted: (transport: Transport) => void = () => {};
  const waiting = new Promise<Transport>((resolve) => {
    accepted = resolve;
  });
  const onError = (error: Error): void => expect.fail(error.message);
  const listener = await listen({ host: '127.0.0.1', port: 0, onConnection: accepted, onError });
  const ours = await dial({ host: '127.0.0.1', port: listener.port });
  return transportPair(ours, await waiting, () => listener.close());
}

transportContract('a TCP socket that was dialled', dialTcp);

transportContract('a dialled TCP socket that reads into memory of ours', async () => {
  const pair = await dialTcp();
  return { ...pair, ours: readingInto(pair.ours) };
});

it('a dial that nobody answers is refused', async () => {
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    onConnection: () => {},
    onError: () => {},
  });
  listener.close();
  await expect(dial({ host: '127.0.0.1', port: listener.port })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
});

transportContract('a TCP socket that reads into memory of ours', async () => {
  const pair = await connectTcp();
  return { ...pair, ours: readingInto(pair.ours) };
});

it('a read goes on where memory has grown and its views are detached', async () => {
  await using pair = await connectTcp();
  const linear = new WebAssembly.Memory({ initial: 1 });
  let view = new Uint8Array(linear.buffer, 1000, 500);
  let grown = 0;
  const peer = new PipePeer(readingInto(pair.ours), () => {
    if (view.length === 0) view = new Uint8Array(linear.buffer, 1000, 500);
    return view;
  });
  const other = new PipePeer(pair.theirs);
  for (; grown < 5; grown++) {
    linear.grow(10);
    void other.send(`${'x'.repeat(700)}${grown}`);
    expect(await peer.take(701)).toBe(`${'x'.repeat(700)}${grown}`);
  }
});

it('where a socket cannot be made anew its bytes come all the same', async () => {
  await using pair = await connectTcp();
  expect(pair.theirs.reads).toBe('data');
  let text = '';
  const done = new Promise<void>((resolve) => {
    // A socket that dialled is being read already.
    const onBytes = (bytes: Uint8Array): void => {
      text += new TextDecoder().decode(bytes);
      if (text === 'hello') resolve();
    };
    pair.theirs.start(byteReader(onBytes, { staysInPlace: true }));
  });
  void new PipePeer(pair.ours).send('hello');
  await done;
});

it('a socket that is said to be read by data is, whatever could be done with it', async () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const other = connectSocket((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await accepted) as [Socket];
  const transport = new TcpTransport(socket, 'data');
  expect(transport.reads).toBe('data');
  const views: Uint8Array[] = [];
  const reader = byteReader(() => {}, { staysInPlace: true });
  const filled = new Promise<void>((resolve) => {
    transport.start({ ...reader, onFilled: () => resolve() });
  });
  socket.on('data', (bytes) => views.push(bytes));
  other.write('hello');
  await filled;
  expect(views).toHaveLength(1);
  transport.destroy();
  other.destroy();
  server.close();
});

it('a TCP write that the kernel takes at once is taken', async () => {
  await using pair = await connectTcp();
  pair.ours.start(byteReader(() => {}));
  const done = (): never => expect.fail('done of a taken write');
  expect(pair.ours.write([new Uint8Array(1000)], done)).toBe('taken');
});

it('a TCP peer has an address and a port', async () => {
  await using pair = await connectTcp();
  expect(pair.ours.peer.address).toBe('127.0.0.1');
  expect(pair.ours.peer.port).toBeGreaterThan(0);
});

it.each(['0.0.0.0', ''])(
  'host "%s" listens on both families and is called 0.0.0.0',
  async (host) => {
    const peers: string[] = [];
    const listener = await listen({
      host,
      port: -1,
      onConnection: (transport) => {
        peers.push(transport.peer.address);
        transport.destroy();
      },
      onError: (error) => expect.fail(error.message),
    });
    expect(listener.address).toBe('0.0.0.0');
    for (const address of ['127.0.0.1', '::1']) {
      const socket = connectSocket({ host: address, port: listener.port });
      socket.on('error', () => {});
      socket.resume();
      await once(socket, 'close');
    }
    listener.close();
    expect(peers).toEqual(['127.0.0.1', '::1']);
  },
);

it('a port that is taken is refused', async () => {
  const options = { host: '127.0.0.1', onConnection: () => {}, onError: () => {} };
  const first = await listen({ ...options, port: 0 });
  await expect(listen({ ...options, port: first.port })).rejects.toThrow(/EADDRINUSE/);
  first.close();
  (await listen({ ...options, port: first.port })).close();
});

it('an IPv4 address in IPv6 clothes is shown as what it is', () => {
  expect(plainAddress('::ffff:10.1.2.3')).toBe('10.1.2.3');
  expect(plainAddress('::FFFF:10.1.2.3')).toBe('10.1.2.3');
  expect(plainAddress('::1')).toBe('::1');
  expect(plainAddress('10.1.2.3')).toBe('10.1.2.3');
});
