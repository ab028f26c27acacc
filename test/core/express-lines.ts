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
      '$JS.',
      '$JS.a',
      '$JS.ACK.a',
      '$JSx.a',
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

const HEADER = 'NATS/1.0\r\n\r\n';

/** Sizes of an HPUB with a header block of 12 bytes and a payload of 2, as they should be and otherwise. */
const headed: readonly string[] = [
  ...['12 14', '012 0014', '000000012 000000014', '0000000012 14', '12 0000000014'],
  ...[
    '12 14 ',
    '12  14',
    '12\t14',
    '12\n14',
    '12\x0114',
    '12 14\t',
    '12 14\r',
    '12 14\n',
    '12 14 14',
  ],
  ...[
    '0 14',
    '00 14',
    '1 14',
    '11 14',
    '13 14',
    '14 14',
    '15 14',
    '12 12',
    '12 13',
    '12 15',
    '14 12',
  ],
  ...['x 14', '12 x', '12x 14', '-12 14', '', ' ', '12', '12 ', ' 14', '14\r'],
  ...['999999999 14', '12 999999999', '4294967295 4294967295', '4294967308 14', '12 4294967310'],
].flatMap((sizes) =>
  [
    'a.b ',
    'a.b r ',
    'nobody ',
    'nobody r ',
    'a.b  ',
    'a.b r  ',
    'a.b r s ',
    'a.b\tr ',
    'a.b r\t',
  ].map((front) => `HPUB ${front}${sizes}\r\n${HEADER}hi\r\n`),
);

/** Lines of PUB and HPUB whose arguments come to `total` bytes, with a reply and without. */
function linesOf(total: number): string[] {
  const pad = (text: string): string => 'x'.repeat(total - text.length);
  const plainOnes = [
    [`a.${pad('a. 2')}`, '2'],
    [`a.${pad('a. reply.to 002')} reply.to`, '002'],
    [`a.b ${pad('a.b  2')}`, '2'],
  ];
  const headedOnes = [
    [`a.${pad('a. 12 14')}`, '12 14'],
    [`a.${pad('a. reply.to 12 014')} reply.to`, '12 014'],
    [`a.b ${pad('a.b  12 14')}`, '12 14'],
  ];
  return [
    ...plainOnes.map(([front, size]) => `PUB ${front} ${size}\r\nhi\r\n`),
    ...headedOnes.map(([front, sizes]) => `HPUB ${front} ${sizes}\r\n${HEADER}hi\r\n`),
  ];
}

/** Lines whose arguments end around the bytes that one mask shows, and two. */
const edges = [59, 60, 61, 62, 63, 64, 65, 66, 125, 126, 127, 128, 129].flatMap(linesOf);

export const LINES: readonly string[] = [...plain, ...edges];

/** Too many, or too long, to be cut at each of their bytes. */
export const MORE_LINES: readonly string[] = [
  ...headed,
  ...[190, 191, 192, 193, 1020, 1021, 1022, 1023, 1024, 1025, 1026, 1088].flatMap(linesOf),
];

/** Payloads around the sizes from which they are shared. */
export const LARGE: readonly string[] = [32_766, 32_767, 32_768, 40_000, 524_288].flatMap(
  (size) => [
    `PUB a.b r ${size}\r\n${'p'.repeat(size)}\r\n`,
    `HPUB a.b r 12 ${size}\r\n${HEADER}${'p'.repeat(size - 12)}\r\n`,
  ],
);
