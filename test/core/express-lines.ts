// Lines at the edges of what the express lane takes, each with all that belongs to it.

const plain: readonly string[] = [
  // As clients write it, in any case.
  'PUB a.b 2\r\nhi\r\n',
  'pub a.b 2\r\nhi\r\n',
  'pUb a.b _INBOX.r.1 2\r\nhi\r\n',
  'PUB a.b r 0\r\n\r\n',
  'PUB a.b r 4\r\n\r\n\r\n\r\n',
  'PUB nobody 2\r\nhi\r\n',
  'PUB nobody r 2\r\nhi\r\n',
  // Blanks and line ends.
  'PUB\ta.b 2\r\nhi\r\n',
  'PUB a.b\t2\r\nhi\r\n',
  'PUB a.b\tr 2\r\nhi\r\n',
  'PUB a.b r\t2\r\nhi\r\n',
  'PUB  a.b 2\r\nhi\r\n',
  'PUB a.b  2\r\nhi\r\n',
  'PUB a.b  r 2\r\nhi\r\n',
  'PUB a.b r  2\r\nhi\r\n',
  'PUB a.b 2 \r\nhi\r\n',
  'PUB a.b r 2 \r\nhi\r\n',
  'PUB a.b 2\t\r\nhi\r\n',
  'PUB a.b 2\nhi\r\n',
  'PUB a.b r 2\nhi\r\n',
  'PUB a.b 2\rhi\r\n',
  'PUB a.b 2\r\rhi\r\n',
  'PUB a.b 2\n\rhi\r\n',
  'PUB a.b\r\n',
  'PUB a.b \r\n',
  'PUB a.b\r\n2\r\nhi\r\n',
  'PUB 2\r\nhi\r\n',
  'PUB  2\r\nhi\r\n',
  'PUB \r\nhi\r\n',
  'PUB\r\n',
  'PUB a.b r s 2\r\nhi\r\n',
  'PUB a.b r s t 2\r\nhi\r\n',
  // Sizes.
  ...[
    '02',
    '000000002',
    '0000000002',
    '',
    'x',
    '+2',
    '-2',
    '2x',
    'r2',
    '1',
    '3',
    '4',
    '5',
    '6',
  ].map((size) => `PUB a.b ${size}\r\nhi\r\n`),
  ...['999999999', '4294967281', '4294967294', '4294967295', '4294967296', '2147483648'].flatMap(
    (size) => [`PUB a.b ${size}\r\nhi\r\n`, `PUB a.b r ${size}\r\nhi\r\n`],
  ),
  // What follows the payload.
  'PUB a.b 2\r\nhi\n\r',
  'PUB a.b 2\r\nhi\nPI',
  'PUB a.b 2\r\nhi\rPI',
  'PUB a.b 2\r\nhix\n',
  // Bytes that are none of text.
  ...['\0', '\x01', '\x1f', '\x7f', '\x80', '\xff', '\v'].flatMap((byte) => [
    `PUB a.${byte} 2\r\nhi\r\n`,
    `PUB ${byte}a.b 2\r\nhi\r\n`,
    `PUB a.b${byte}2\r\nhi\r\n`,
    `PUB a.b r${byte} 2\r\nhi\r\n`,
    `PUB a.b r${byte}2\r\nhi\r\n`,
    `PUB a.b r 2${byte}\r\nhi\r\n`,
    `PUB a.b 2${byte}\r\nhi\r\n`,
    `PUB${byte}a.b 2\r\nhi\r\n`,
  ]),
  // Wildcards and empty tokens.
  ...['a.*', 'a.>', '>', '*', 'a..b', '.a', 'a.', '.', '..'].flatMap((subject) => [
    `PUB ${subject} 2\r\nhi\r\n`,
    `PUB ${subject} r 2\r\nhi\r\n`,
  ]),
  // Reserved names, and those that only look like them.
  ...[
    ...[
      '$',
      '$NRG',
      '$NRG.',
      '$NRG.a',
      '$nrg.a',
      '$GR.',
      '$GR.a',
      '$SYS.a',
      '$JS.ACK.',
      '$JS.ACK.a',
    ],
    ...['_', '_G', '_GR_', '_GR_.', '_GR_.a', '_R', '_R_', '_R_.', '_R_.a', '_INBOX.a', '_r_.a'],
  ].flatMap((name) => [
    `PUB ${name} 2\r\nhi\r\n`,
    `PUB a.b ${name} 2\r\nhi\r\n`,
    `PUB nobody ${name} 2\r\nhi\r\n`,
  ]),
  // Other verbs, and what is none.
  'HPUB a.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\n',
  'HPUB a.b 0 2\r\nhi\r\n',
  'PING\r\n',
  'PONG and more\r\n',
  'PING PUB a.b 0\r\n\r\n',
  'PONG PUB a.b 0\r\n\r\n',
  '+OK PUB a.b 0\r\n\r\n',
  '+OK\r\n',
  'SUB a.b 77\r\n',
  'UNSUB 77\r\n',
  'CONNECT {"verbose":false}\r\n',
  'PUC a.b 2\r\nhi\r\n',
  'PUB-a.b 2\r\nhi\r\n',
  'PUBa.b 2\r\nhi\r\n',
  '\r\nPUB a.b 2\r\nhi\r\n',
];

/** Lines whose arguments end around the bytes that are looked at, with a reply and without. */
function lengths(): string[] {
  const found: string[] = [];
  for (let total = 59; total <= 66; total++) {
    found.push(`PUB a.${'x'.repeat(total - 4)} 2\r\nhi\r\n`);
    found.push(`PUB a.${'x'.repeat(total - 15)} reply.to 002\r\nhi\r\n`);
    found.push(`PUB a.b ${'r'.repeat(total - 6)} 2\r\nhi\r\n`);
  }
  return found;
}

export const LINES: readonly string[] = [...plain, ...lengths()];

/** Payloads around the sizes from which they are shared. */
export const LARGE: readonly string[] = [32_766, 32_767, 32_768, 40_000, 524_288].map(
  (size) => `PUB a.b r ${size}\r\n${'p'.repeat(size)}\r\n`,
);
