// Log lines about a connection, in nats-server's words.
import { expect, it } from 'vitest';
import { quoteGo, quoteGoText } from '../../src/bridge/go-quote.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { createTestBridge } from '../support/bridge.ts';

it('text is quoted as Go quotes it', () => {
  expect(quoteGoText('plain é 世 \u{1f600}')).toBe('"plain é 世 \u{1f600}"');
  expect(quoteGoText('a"b\\c')).toBe('"a\\"b\\\\c"');
  expect(quoteGoText('\x07\b\f\n\r\t\v\0\x7f')).toBe('"\\a\\b\\f\\n\\r\\t\\v\\x00\\x7f"');
  expect(quoteGoText('\u00a0\u200b\ufeff\u{e0001}')).toBe('"\\u00a0\\u200b\\ufeff\\U000e0001"');
  expect(quoteGo(Uint8Array.of(0x61, 0xff, 0xc3, 0x28, 0xc3))).toBe('"a\\xff\\xc3(\\xc3"');
  expect(quoteGo(Uint8Array.of(0xed, 0xa0, 0x80))).toBe('"\\xed\\xa0\\x80"');
  expect(quoteGo(Uint8Array.of(0xef, 0xbf, 0xbd))).toBe('"\ufffd"');
});

it('each op and delivery is a trace line, without secrets', async () => {
  const lines: string[] = [];
  const logger = createLogger({
    write: (line) => lines.push(line.trimEnd()),
    hasTime: false,
    isTrace: true,
    now: () => 0,
  });
  await using server = createTestBridge({ logger });
  const peer = server.connect();
  await peer.line();
  await peer.send(
    'CONNECT {"verbose":true,"user":"u","pass":"s\\"3cret","auth_token":"t0ken"}\r\n',
  );
  await peer.expectLine('+OK');
  await peer.send('SUB a 1\r\nPUB a 2\r\nhi\r\nSUB a..b 2\r\nPING\r\n');
  await peer.expectLines('+OK', '+OK', 'MSG a 1 2', 'hi', "-ERR 'Invalid Subject'", 'PONG');
  const text = lines.map((line) => line.replace('[TRC] :0 - cid:1 - ', ''));
  const connect = '{"verbose":true,"user":"u","pass":"[REDACTED]","auth_token":"[REDACTED]"}';
  expect(text).toEqual([
    `<<- [CONNECT ${connect}]`,
    '->> [OK]',
    '<<- [SUB a 1]',
    '->> [OK]',
    '<<- [PUB a 2]',
    '<<- MSG_PAYLOAD: ["hi"]',
    '->> [OK]',
    '->> [MSG a 1 2]',
    '->> MSG_PAYLOAD: ["hi"]',
    '<<- [SUB a..b 2]',
    '->> [-ERR Invalid Subject]',
    '<<- [PING]',
    '->> [PONG]',
  ]);
});
