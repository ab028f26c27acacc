// A read may end anywhere. What a peer says means the same however it is cut.
import { expect, it } from 'vitest';
import { systemClock } from '../../src/shared/clock.ts';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';

const CONVERSATION =
  'CONNECT {"verbose":false,"headers":true}\r\n' +
  'SUB a.* 1\r\nSUB a.> q 22\r\n' +
  'PUB a.b 5\r\nhello\r\n' +
  'HPUB a.c re.ply 12 15\r\nNATS/1.0\r\n\r\nabc\r\n' +
  'UNSUB 22\r\nPING\r\nPUB a.d 0\r\n\r\nPING\r\n';

async function answer(server: TestBridge, pieces: readonly string[]): Promise<string> {
  const peer = server.connect();
  await peer.line();
  for (const piece of pieces) await peer.send(piece);
  while (peer.received.split('PONG\r\n').length < 3) await peer.more();
  expect(server.bridge.heldBytes.inbound).toBe(0);
  peer.destroy();
  return peer.received;
}

it('a conversation cut anywhere is understood', async () => {
  await using server = createTestBridge();
  const whole = await answer(server, [CONVERSATION]);
  expect(whole).toContain('MSG a.b 1 5\r\nhello\r\n');
  for (let cut = 1; cut < CONVERSATION.length; cut++) {
    const pieces = [CONVERSATION.slice(0, cut), CONVERSATION.slice(cut)];
    expect(await answer(server, pieces), `cut at ${cut}`).toBe(whole);
  }
});

it('a conversation in single bytes is understood', async () => {
  // It is a stream of crumbs, which is read once a millisecond.
  await using server = createTestBridge({ clock: systemClock });
  const whole = await answer(server, [CONVERSATION]);
  expect(await answer(server, [...CONVERSATION])).toBe(whole);
});

it.each([1000, 65_535, 65_536, 200_000, 1_048_576])(
  'a payload of %i bytes arrives, whatever the size of the pieces',
  async (size) => {
    await using server = createTestBridge();
    for (const pieceBytes of [8192, 65_536, 100_000, 3_000_000]) {
      const reader = await server.greeted();
      await reader.send('SUB big 1\r\n');
      await reader.ping();
      const writer = await server.greeted();
      const payload = Array.from({ length: size }, (_, i) => String.fromCharCode(97 + (i % 26)));
      const text = `PUB big ${size}\r\n${payload.join('')}\r\nPUB big 2\r\nok\r\n`;
      for (let at = 0; at < text.length; at += pieceBytes) {
        await writer.send(text.slice(at, at + pieceBytes));
      }
      await reader.expectLine(`MSG big 1 ${size}`);
      expect((await reader.take(size)) === payload.join('')).toBe(true);
      await reader.expectLines('', 'MSG big 1 2', 'ok');
      await reader.send('UNSUB 1\r\n');
      await reader.ping();
    }
  },
);

it('a payload larger than the inbox arrives where the limit allows it', async () => {
  const size = 5_000_000;
  await using server = createTestBridge({ maxPayload: size }, { maxPayload: size });
  const reader = await server.greeted();
  await reader.send('SUB big 1\r\n');
  await reader.ping();
  const writer = await server.greeted();
  const text = `PUB big ${size}\r\n${'x'.repeat(size)}\r\n`;
  for (let at = 0; at < text.length; at += 65_536) await writer.send(text.slice(at, at + 65_536));
  await reader.expectLine(`MSG big 1 ${size}`);
  expect(await reader.take(size)).toBe('x'.repeat(size));
});
