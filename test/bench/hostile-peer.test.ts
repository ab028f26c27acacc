// A connection of the bench of hostile peers, against a plain listener: it writes under back-pressure, sees when it
// was sent away, and reads no more than it should.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Field } from '../../bench/hostile/field.ts';
import { Peer, type PeerOptions } from '../../bench/hostile/peer.ts';

const MIB = 1024 * 1024;
/** More than any system keeps for a connection over loopback. */
const MUCH = Buffer.alloc(64 * MIB, 'x');

let listener: Server;
let port: number;
const opened: Peer[] = [];
const accepted: Socket[] = [];

beforeEach(async () => {
  listener = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    accepted.push(socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  port = (listener.address() as AddressInfo).port;
});

afterEach(async () => {
  for (const peer of opened.splice(0)) peer.socket.destroy();
  for (const socket of accepted.splice(0)) socket.destroy();
  listener.close();
  await once(listener, 'close');
});

async function meet(options: PeerOptions = {}): Promise<[Peer, Socket]> {
  const connection = once(listener, 'connection') as Promise<[Socket]>;
  const peer = new Peer(port, options);
  opened.push(peer);
  const [socket] = await connection;
  return [peer, socket];
}

/** Some turns of the event loop: what is under way on loopback has happened. */
async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a hostile peer', () => {
  test('takes a PONG as its answer, however it is cut', async () => {
    const [peer, socket] = await meet({ connect: '{}' });
    const confirmed = peer.confirm();
    let heard = '';
    socket.on('data', (bytes) => {
      heard += bytes;
    });
    await vi.waitUntil(() => heard === 'CONNECT {}\r\nPING\r\n');
    for (const piece of ['INFO {}\r\nPO', 'NG', '\r\n']) {
      socket.write(piece);
      await turns();
    }
    expect(await confirmed).toBe(true);
  });

  test('waits until the other side has taken what it sends', async () => {
    const [peer, socket] = await meet();
    let isTaken = false;
    const sent = peer.send(MUCH).then((isOpen) => {
      isTaken = true;
      return isOpen;
    });
    await turns();
    expect(isTaken).toBe(false);
    socket.resume();
    expect(await sent).toBe(true);
  });

  test.each(['end', 'destroy'] as const)('sees that it was sent away by %s', async (how) => {
    const [peer, socket] = await meet();
    const waiting = peer.send(MUCH);
    const confirmed = peer.confirm();
    if (how === 'end') socket.resume();
    socket[how]();
    await peer.closed;
    expect(await confirmed).toBe(false);
    await waiting;
    expect(peer.isOpen).toBe(false);
    expect(await peer.send('more')).toBe(false);
  });

  test('reads nothing, or one sip at a time', async () => {
    const readBytes = 1024;
    const [peer, socket] = await meet({ reads: false, readBytes });
    await peer.connected();
    socket.write(MUCH);
    await turns();
    expect(peer.socket.bytesRead).toBe(0);
    peer.sip();
    await vi.waitUntil(() => peer.socket.bytesRead > 0);
    await turns();
    expect(peer.socket.bytesRead).toBe(readBytes);
    peer.sip();
    await vi.waitUntil(() => peer.socket.bytesRead > readBytes);
    expect(peer.socket.bytesRead).toBe(2 * readBytes);
  });

  test.each(['fin', 'reset'] as const)('leaves by %s', async (ending) => {
    const [peer, socket] = await meet();
    const seen = ending === 'fin' ? once(socket, 'end') : once(socket, 'error');
    socket.resume();
    const gone = peer.leave(ending);
    const [error] = await seen;
    expect((error as NodeJS.ErrnoException | undefined)?.code).toBe(
      ending === 'fin' ? undefined : 'ECONNRESET',
    );
    socket.destroy();
    await gone;
  });
});

test('the field counts what was made and what was sent, and knows which listeners there are', async () => {
  const field = new Field({ clients: port, monitoring: undefined });
  const peers = await field.openMany(3, {});
  opened.push(...peers);
  await field.send(peers[0]!, 'abc');
  expect(field.progress).toMatchObject({ connections: 3, refused: 0, bytes: 3 });
  await expect(field.open({}, 'monitoring')).rejects.toThrow('does not listen for monitoring');
});
