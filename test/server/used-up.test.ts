// Memory that is used up is told: by `/healthz`, to whoever wants more, and to nobody any more when it is there again.
import { connect as openSocket, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { peersOf } from '../../src/core/index.ts';
import { createBus } from '../../src/index.ts';
import { type Server, serve } from '../../src/server/index.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Peer {
  readonly socket: Socket;
  readonly heard: () => string;
}

function connect(port: number): Peer {
  const socket = openSocket(port, '127.0.0.1');
  ends.push(() => socket.destroy());
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  return { socket, heard: () => text };
}

async function answerTo({ socket, heard }: Peer, words: string): Promise<string> {
  const before = heard().length;
  socket.write(`${words}PING\r\n`);
  await expect.poll(() => heard().slice(before)).toContain('PONG\r\n');
  return heard().slice(before);
}

async function health(server: Server): Promise<[number, unknown]> {
  const answer = await fetch(`${server.monitoringUrl}/healthz`);
  return [answer.status, await answer.json()];
}

test('a server whose peers have taken all that they may is not healthy until they have gone', async () => {
  const bus = createBus();
  ends.push(() => bus.close());
  const server = await serve(bus, { port: 0, monitoring: {} });
  ends.push(() => server.close());
  expect(await health(server)).toEqual([200, { status: 'ok' }]);
  peersOf(internalsOf(bus).core).sessions.limitSubscriptions(4 * 1024 * 1024);
  const greedy = [connect(server.port), connect(server.port), connect(server.port)];
  for (const peer of greedy) {
    let words = 'CONNECT {"verbose":false}\r\n';
    for (let index = 0; index < 3000; index++)
      words += `SUB ${'n'.repeat(900)}.${index} ${index}\r\n`;
    expect(await answerTo(peer, words)).toContain("-ERR 'maximum subscriptions exceeded'\r\n");
  }
  const error = 'no memory for connections and subscriptions';
  expect(await health(server)).toEqual([500, { status: 'error', error }]);
  const innocent = connect(server.port);
  expect(await answerTo(innocent, 'CONNECT {"verbose":false}\r\n')).toContain('PONG\r\n');
  for (const { socket } of greedy) socket.destroy();
  await expect.poll(() => server.connections().length).toBe(1);
  await expect.poll(() => health(server)).toEqual([200, { status: 'ok' }]);
  const words = Array.from({ length: 3000 }, (_, index) => `SUB w.*.${index} ${index}\r\n`).join(
    '',
  );
  expect(await answerTo(innocent, words)).not.toContain('-ERR');
});
