// What the properties draw from: streams of client ops, ways to cut them, subjects and filters.

import fc from 'fast-check';

/** Latin1 text to bytes: one character is one byte. */
export function toBytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

const WORD_BYTES = [...'abcXYZ019.*>$_-\x00\x01\x1f!~\x7f\x80\xff'];

/** Argument text: any bytes but blanks, CR and LF. */
export const word: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(...WORD_BYTES),
  minLength: 1,
  maxLength: 24,
});

const longWord = fc.oneof(
  { weight: 12, arbitrary: word },
  { weight: 1, arbitrary: fc.integer({ min: 25, max: 300 }).map((size) => 'w'.repeat(size)) },
);

const blanks = fc.oneof(
  { weight: 8, arbitrary: fc.constant(' ') },
  { weight: 1, arbitrary: fc.stringMatching(/^[ \t]{1,20}$/) },
);
const tail = fc.oneof(
  { weight: 8, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\n', ' \r\n', '\t \n') },
);
const payload = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: fc.constantFrom(...'ab \r\n\0\xff'), maxLength: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 700 }).map((size) => '\n'.repeat(size)) },
);
const zeros = fc.constantFrom('', '', '', '0', '00');

function anyCase(text: string): fc.Arbitrary<string> {
  return fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((flags) => [...text].map((char, at) => (flags[at] ? char.toLowerCase() : char)).join(''));
}

function line(verb: string, args: fc.Arbitrary<string[]>): fc.Arbitrary<string> {
  return fc
    .tuple(anyCase(verb), args, fc.array(blanks, { minLength: 5, maxLength: 5 }), tail)
    .map(([name, words, gaps, end]) => {
      return name + words.map((text, at) => (gaps[at] ?? ' ') + text).join('') + end;
    });
}

const optional: fc.Arbitrary<string[]> = fc.array(longWord, { maxLength: 1 });

/** What the words of a stream are drawn from. */
interface Words {
  readonly subject: fc.Arbitrary<string>;
  readonly filter: fc.Arbitrary<string>;
  readonly queue: fc.Arbitrary<string[]>;
  readonly reply: fc.Arbitrary<string[]>;
  readonly sid: fc.Arbitrary<string>;
}

function publishOf(words: Words): fc.Arbitrary<string> {
  const pub = fc
    .tuple(words.subject, words.reply, zeros, payload)
    .chain(([subject, reply, zero, body]) =>
      line('PUB', fc.constant([subject, ...reply, zero + body.length])).map(
        (text) => `${text}${body}\r\n`,
      ),
    );
  const hpub = fc
    .tuple(words.subject, words.reply, zeros, payload, payload)
    .chain(([subject, reply, zero, header, body]) => {
      const total = header.length + body.length;
      const args = [subject, ...reply, zero + header.length, zero + total];
      return line('HPUB', fc.constant(args)).map((text) => `${text}${header}${body}\r\n`);
    });
  return fc.oneof({ weight: 3, arbitrary: pub }, hpub);
}

function subscribeOf(words: Words): fc.Arbitrary<string> {
  const sub = fc
    .tuple(words.filter, words.queue, words.sid)
    .chain(([filter, queue, sid]) => line('SUB', fc.constant([filter, ...queue, sid])));
  const max = fc.oneof(fc.constant([]), fc.constantFrom(['0'], ['2'], ['x'], ['4294967297']));
  const unsub = fc
    .tuple(words.sid, max)
    .chain(([sid, count]) => line('UNSUB', fc.constant([sid, ...count])));
  return fc.oneof({ weight: 2, arbitrary: sub }, unsub);
}

const skipped = fc
  .tuple(fc.constantFrom('PING', 'PONG', '+OK'), fc.constantFrom('', 'x', ' \r \t', ' PING'))
  .chain(([verb, rest]) => anyCase(verb).map((name) => `${name}${rest}\r\n`));
const text = fc.constantFrom(
  'CONNECT {"verbose":false}\r\n',
  'CONNECT{}\r\n',
  'connect\t {"a": [1, 2]} \n',
  'INFO {}\r\n',
);

const anyWords: Words = {
  subject: longWord,
  filter: longWord,
  queue: optional,
  reply: optional,
  sid: longWord,
};

/** A stream of valid ops. */
export const opStream: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: publishOf(anyWords) },
      { weight: 3, arbitrary: subscribeOf(anyWords) },
      skipped,
      text,
      fc.constant("-ERR 'x'\r\n"),
    ),
    { maxLength: 8 },
  )
  .map((ops) => ops.join(''));

/** A stream with something wrong in it: a byte replaced, put in, or taken out. */
export const damagedStream: fc.Arbitrary<string> = fc
  .tuple(
    opStream,
    fc.nat(),
    fc.constantFrom(...'\r\n \t01 9aP+\0\xff', '\r\n', ''),
    fc.integer({ min: 0, max: 2 }),
  )
  .map(([stream, where, piece, dropped]) => {
    const at = where % (stream.length + 1);
    return stream.slice(0, at) + piece + stream.slice(at + dropped);
  });

const noisePiece = fc.constantFrom(
  ...'PUBHSNIGOCET+-KERpub aA01239\r\n\t\0\xff',
  'PUB ',
  'HPUB ',
  'SUB ',
  'UNSUB ',
  'PING\r\n',
  'CONNECT ',
  '\r\n',
  ' 1\r\n',
  ' 0 0\r\n',
);

/** Bytes of no meaning, though not of no resemblance. */
export const noise: fc.Arbitrary<string> = fc.oneof(
  fc.array(noisePiece, { maxLength: 60 }).map((pieces) => pieces.join('')),
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

/** Lengths of chunks; `cutBy` repeats the last one up to the end. */
export const cuts: fc.Arbitrary<number[]> = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 200 })),
  { minLength: 1, maxLength: 40 },
);

/** Cuts a stream into chunks of these lengths. */
export function cutBy(whole: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < whole.length; ) {
    const next = at + (lengths[chunks.length] ?? lengths.at(-1) ?? 1);
    chunks.push(whole.subarray(at, next));
    at = next;
  }
  return chunks;
}

// Few names, so that filters and subjects meet.
const token = fc.constantFrom(
  'a',
  'b',
  'c',
  'foo',
  'bar',
  'long-token-of-some-length',
  '\xe2\x82\xac',
  '1',
);

const anySubject = fc
  .array(token, { minLength: 1, maxLength: 5 })
  .map((tokens) => tokens.join('.'));

/** A literal subject. */
export const subject: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'a.b', 'a.b.c', 'b') },
  { weight: 1, arbitrary: anySubject },
);

const anyFilter = fc
  .tuple(
    fc.array(fc.oneof({ weight: 3, arbitrary: token }, fc.constant('*')), { maxLength: 4 }),
    fc.boolean(),
    token,
  )
  .map(([tokens, open, last]) => [...tokens, open ? '>' : last].join('.'));

/** A filter, with wildcards or without. */
export const filter: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'a.b', '*', 'a.*', 'a.>', '*.b', '>', 'a.*.c') },
  { weight: 2, arbitrary: anyFilter },
);

/** A queue group's name, or nothing. */
export const queue: fc.Arbitrary<string> = fc.constantFrom('', '', '', 'q1', 'q2', 'workers');

const meeting: Words = {
  subject: fc.oneof({ weight: 9, arbitrary: subject }, filter, word),
  filter: fc.oneof({ weight: 9, arbitrary: filter }, word),
  queue: queue.map((name) => (name === '' ? [] : [name])),
  reply: fc.array(subject, { maxLength: 1 }),
  sid: fc.constantFrom('1', '2', '3', 'a-sid-longer-than-sixteen-bytes', '\xff'),
};

/** Ops of one client whose subjects meet those of others, now and then with something wrong. */
export const conversation: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: publishOf(meeting) },
      { weight: 6, arbitrary: subscribeOf(meeting) },
      { weight: 1, arbitrary: skipped },
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((ops) => ops.join(''));
