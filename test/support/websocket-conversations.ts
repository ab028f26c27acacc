// Frames as they may come, good and bad, and what nats-server 2.15.3 does: played against us, and against itself.
// What breaks the rules of frames, or of the protocol, ends nats-server's connection in a race: its last words are
// sent or not. Ours are always sent.
import { BINARY, CLOSE, closeFrame, frame, PING, PONG, TEXT } from './websocket-client.ts';
import { type CloseWords, WebSocketPeer } from './websocket-peer.ts';

export interface Conversation {
  readonly name: string;
  readonly frames: readonly Uint8Array[];
  /** Lines that come, without INFO. */
  readonly lines?: readonly string[];
  /** What PONG frames hold that come. */
  readonly pongs?: readonly string[];
  /** How it ends, undefined: it goes on. */
  readonly close?: CloseWords;
  /** Of nats-server the last words may be lost. */
  readonly isRace?: true;
}

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false}\r\n';
const CONTROL = 'control frame length bigger than maximum allowed of 125 bytes';

function violation(name: string, text: string, ...frames: Uint8Array[]): Conversation {
  return { name, frames, close: { status: 1002, text }, isRace: true };
}

/** Of a server whose max_payload is 1,024. */
export const CONVERSATIONS: readonly Conversation[] = [
  {
    name: 'a line in one frame',
    frames: [frame(BINARY, `${CONNECT}PING\r\n`)],
    lines: ['PONG'],
  },
  { name: 'a text frame', frames: [frame(TEXT, `${CONNECT}PING\r\n`)], lines: ['PONG'] },
  {
    name: 'a text frame of no text',
    frames: [frame(TEXT, `${CONNECT}SUB \xff 1\r\nPING\r\n`)],
    lines: ['PONG'],
  },
  {
    name: 'a line in two messages',
    frames: [frame(BINARY, `${CONNECT}PI`), frame(BINARY, 'NG\r\n')],
    lines: ['PONG'],
  },
  {
    name: 'empty frames',
    frames: [frame(BINARY, ''), frame(BINARY, `${CONNECT}PING\r\n`), frame(BINARY, '')],
    lines: ['PONG'],
  },
  {
    name: 'fragments with a PING between them',
    frames: [
      frame(BINARY, `${CONNECT}PI`, { isFinal: false }),
      frame(PING, 'are you there'),
      frame(0, 'N', { isFinal: false }),
      frame(0, 'G\r\n'),
    ],
    lines: ['PONG'],
    pongs: ['are you there'],
  },
  { name: 'an empty PING', frames: [frame(PING, '')], pongs: [''] },
  {
    name: 'a PONG that nobody asked for',
    frames: [frame(PONG, 'hi'), frame(BINARY, `${CONNECT}PING\r\n`)],
    lines: ['PONG'],
  },
  {
    name: 'a close frame',
    frames: [closeFrame(1000, 'bye')],
    close: { status: 1000, text: 'bye' },
  },
  {
    name: 'a close frame of its own',
    frames: [closeFrame(3333)],
    close: { status: 3333, text: '' },
  },
  {
    name: 'an empty close frame',
    frames: [frame(CLOSE, '')],
    close: { status: undefined, text: '' },
  },
  {
    name: 'a close frame whose text is none',
    frames: [closeFrame(1000, '\xff\xff')],
    close: { status: 1007, text: 'invalid utf8 body in close frame' },
  },
  {
    name: 'words before a close frame, which are answered',
    frames: [Buffer.concat([frame(BINARY, `${CONNECT}PING\r\n`), closeFrame(1000)])],
    lines: ['PONG'],
    close: { status: 1000, text: '' },
  },
  {
    name: 'too large a payload',
    frames: [frame(BINARY, `${CONNECT}PUB a 5000\r\n`)],
    lines: ["-ERR 'Maximum Payload Violation'"],
    close: { status: 1009, text: 'Maximum Message Payload Exceeded' },
  },
  {
    name: 'too long a line',
    frames: [frame(BINARY, `${CONNECT}PUB ${'a'.repeat(5000)}`)],
    lines: ["-ERR 'maximum control line exceeded'"],
    close: { status: 1008, text: 'Maximum Control Line Exceeded' },
  },
  {
    name: 'a protocol of the future',
    frames: [frame(BINARY, 'CONNECT {"verbose":false,"protocol":7}\r\n')],
    lines: ["-ERR 'invalid client protocol'"],
    close: { status: 1002, text: 'Bad Client Protocol Version' },
  },
  {
    name: 'an operation that there is not',
    frames: [frame(BINARY, `${CONNECT}XYZ\r\n`)],
    lines: ["-ERR 'Unknown Protocol Operation'"],
    close: { status: 1002, text: 'Protocol Violation' },
    isRace: true,
  },
  violation(
    'a frame without a mask',
    'mask bit missing',
    frame(BINARY, 'PING\r\n', { isMasked: false }),
  ),
  violation('an opcode that there is not', 'unknown opcode 3', frame(3, 'PING\r\n')),
  violation('a control opcode that there is not', 'unknown opcode 11', frame(11, '')),
  violation(
    'compression that was not agreed on',
    'compressed frame received without negotiated permessage-deflate',
    frame(BINARY, 'PING\r\n', { reserved: 0x40 }),
  ),
  violation(
    'the second reserved bit',
    'RSV2 and RSV3 must be clear',
    frame(BINARY, 'PING\r\n', { reserved: 0x20 }),
  ),
  violation(
    'the third reserved bit',
    'RSV2 and RSV3 must be clear',
    frame(BINARY, 'PING\r\n', { reserved: 0x10 }),
  ),
  violation('a continuation of nothing', 'invalid continuation frame', frame(0, 'PING\r\n')),
  violation(
    'a message within another',
    'new message started before final frame for previous message was received',
    frame(BINARY, 'PI', { isFinal: false }),
    frame(BINARY, 'NG\r\n'),
  ),
  violation('a control frame of 126 bytes', CONTROL, frame(PING, 'x'.repeat(126))),
  violation('a control frame of more', CONTROL, frame(PING, 'x'.repeat(70_000))),
  violation(
    'a control frame that goes on',
    'control frame does not have final bit set',
    frame(PING, 'x', { isFinal: false }),
  ),
  violation('half a status', 'close frame payload cannot be 1 byte', frame(CLOSE, 'x')),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000].map((status) =>
    violation(`the status ${status}`, `invalid close status code ${status}`, closeFrame(status)),
  ),
];

export interface Played {
  readonly lines: readonly string[];
  readonly pongs: readonly string[];
  readonly close: CloseWords | undefined;
  readonly isEnded: boolean;
}

/** Plays a conversation, each frame in a write of its own, to its end or until all that it wants has come. */
export async function play(port: number, conversation: Conversation): Promise<Played> {
  using peer = await WebSocketPeer.open(port);
  await peer.line();
  for (const bytes of conversation.frames) {
    peer.raw(bytes);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const pongs = (): string[] =>
    peer.others.filter(({ opcode }) => opcode === PONG).map(({ payload }) => payload.toString());
  const wanted = (conversation.lines ?? []).map((line) => `${line}\r\n`).join('');
  const isAll = (): boolean =>
    peer.received.length >= wanted.length && pongs().length >= (conversation.pongs ?? []).length;
  await peer.until(() => peer.isEnded || (conversation.close === undefined && isAll()));
  const { isEnded } = peer;
  return {
    lines: peer.received.split('\r\n').slice(0, -1),
    pongs: pongs(),
    close: isEnded ? await peer.ended() : undefined,
    isEnded,
  };
}

/** What of it is not as it should be. */
export function differences(conversation: Conversation, played: Played): string[] {
  const { lines = [], pongs = [], close } = conversation;
  const found: string[] = [];
  const compare = (what: string, got: unknown, wanted: unknown): void => {
    const [is, should] = [JSON.stringify(got), JSON.stringify(wanted)];
    if (is !== should) found.push(`${what} ${is} instead of ${should}`);
  };
  compare('lines', played.lines, lines);
  compare('pongs', played.pongs, pongs);
  compare('ended', played.isEnded, close !== undefined);
  compare('close', played.close, close);
  return found;
}
