// The plain-JavaScript twin that the benches compare with: it does what the core does, byte for byte, or the
// comparison would be worth nothing.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SESSION_ECHO } from '../../assembly/abi.ts';
import {
  TWIN_BYTES,
  TWIN_INBOX,
  twinIngest,
  twinInit,
  twinMatch,
  twinNumber,
  twinOpen,
  twinRelease,
  twinTake,
} from '../../bench/twin/twin.ts';
import { matches } from '../model/matches.ts';
import { cutBy, cuts } from '../property/arbitraries.ts';
import { check } from '../property/check.ts';
import { CoreDriver } from '../wasm/core-driver.ts';

/** One twin with its sessions, driven as CoreDriver drives the core. */
class TwinDriver {
  readonly #tails = new Map<number, Uint8Array>();
  readonly #sent = new Map<number, Buffer[]>();

  constructor(pick: number) {
    twinInit(0x5eed, pick);
  }

  openSession(hasEcho: boolean): number {
    const session = twinOpen(hasEcho);
    this.#sent.set(twinNumber(session), []);
    return session;
  }

  feed(session: number, chunk: Uint8Array): void {
    const bytes = Buffer.concat([this.#tails.get(session) ?? new Uint8Array(0), chunk]);
    TWIN_BYTES.set(bytes, TWIN_INBOX);
    const consumed = twinIngest(session, TWIN_INBOX, bytes.length);
    this.#tails.set(session, bytes.subarray(consumed));
  }

  takeSent(session: number): Buffer {
    for (let take = twinTake(); take !== undefined; take = twinTake()) {
      for (const { ptr, length } of take.segments) {
        this.#sent.get(take.session)?.push(Buffer.from(TWIN_BYTES.slice(ptr, ptr + length)));
      }
      twinRelease(take);
    }
    return Buffer.concat(this.#sent.get(twinNumber(session))?.splice(0) ?? []);
  }
}

const SESSIONS = 3;
// The choice in queue groups begins with the exclusive or of the core's two seeds.
const SEED = [41, 66] as const;
const PICK = SEED[0] ^ SEED[1];

function outputs(
  echoes: readonly boolean[],
  reads: readonly (readonly [number, string])[],
  lengths: number[],
): [Buffer[], Buffer[]] {
  const core = new CoreDriver('release', { seed: SEED });
  const account = core.call('accountOpen');
  const twin = new TwinDriver(PICK);
  const ours = echoes.map((echo) => core.openSession(account, echo ? SESSION_ECHO : 0));
  const twins = echoes.map((echo) => twin.openSession(echo));
  for (const [which, text] of reads) {
    for (const chunk of cutBy(Buffer.from(text, 'latin1'), lengths)) {
      core.feed(ours[which]!, chunk);
      twin.feed(twins[which]!, chunk);
    }
  }
  return [ours.map((at) => core.takeSent(at)), twins.map((at) => twin.takeSent(at))];
}

const token = fc.constantFrom('a', 'b', 'foo', 'foobar12', 'é\xff', 'longer-than-eight');
const long = fc.integer({ min: 200, max: 400 }).map((size) => 'w'.repeat(size));
const subject = fc.oneof(
  { weight: 20, arbitrary: fc.array(token, { minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.tuple(token, long) },
);
const published = subject.map((tokens) => tokens.join('.'));
const filter = fc
  .tuple(subject, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.boolean())
  .map(([tokens, stars, isOpen]) => {
    const parts = tokens.map((text, at) => (stars[at] === true ? '*' : text));
    return [...parts, ...(isOpen ? ['>'] : [])].join('.');
  });
const sid = fc.oneof(
  fc.integer({ min: 1, max: 9 }).map(String),
  fc.constant('a-sid-of-more-than-16-bytes'),
);
// Among them the bytes of doubles that are no numbers, which a copy by doubles must not change.
const payload = fc
  .tuple(
    fc.string({ unit: fc.constantFrom('x', '\r', '\n', '\0', '\x7f', '\xf0', '\xf4', '\xff') }),
    fc.constantFrom(1, 1, 1, 20, 400),
  )
  .map(([text, times]) => text.repeat(times));
const gap = fc.constantFrom(' ', ' ', ' ', ' ', '  ', '\t');
const lineEnd = fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', ' \r\n');

function line(verb: string, words: readonly string[]): fc.Arbitrary<string> {
  const gaps = fc.array(gap, { minLength: 4, maxLength: 4 });
  return fc
    .tuple(gaps, lineEnd)
    .map(([between, end]) => verb + words.map((word, at) => between[at]! + word).join('') + end);
}

const optional = fc.array(fc.constantFrom('workers', 'a-queue-group', 'q'), { maxLength: 1 });
const publish = fc
  .tuple(published, fc.array(published, { maxLength: 1 }), payload)
  .chain(([to, reply, body]) =>
    line('PUB', [to, ...reply, `${body.length}`]).map((text) => `${text}${body}\r\n`),
  );
const subscribe = fc
  .tuple(filter, optional, sid)
  .chain(([text, queue, id]) => line('SUB', [text, ...queue, id]));
const unsubscribe = fc
  .tuple(sid, fc.constantFrom([], ['1'], ['3'], ['0']))
  .chain(([id, max]) => line('UNSUB', [id, ...max]));
const op = fc.oneof(
  { weight: 6, arbitrary: publish },
  { weight: 5, arbitrary: subscribe },
  { weight: 1, arbitrary: unsubscribe },
  { weight: 1, arbitrary: fc.constant('PING\r\n') },
);
const reads = fc.array(fc.tuple(fc.nat(SESSIONS - 1), op), { minLength: 1, maxLength: 40 });
const echoes = fc.array(fc.boolean(), { minLength: SESSIONS, maxLength: SESSIONS });

describe('the twin of the router', () => {
  it('sends every session the bytes that the core sends', () => {
    check(
      150,
      fc.property(echoes, reads, cuts, (flags, texts, lengths) => {
        const [ours, twins] = outputs(flags, texts, lengths);
        return ours.every((bytes, at) => bytes.equals(twins[at]!));
      }),
    );
  });

  it('does so when V8 has compiled it, in reads of many messages', () => {
    const subjects = Array.from({ length: 500 }, (_, at) => `orders.r${at % 7}.id${at}`);
    const bodies = [
      '',
      'x',
      '\xff\xff\xff\xff\xff\xff\xf7\x7f',
      '\x7f\xf4'.repeat(70),
      'y'.repeat(999),
    ];
    const subscribing = ['orders.*.id1', 'orders.>', 'orders.r3.*', ...subjects].map(
      (text, at) => [at % SESSIONS, `SUB ${text} ${at % 4 === 0 ? 'q ' : ''}${at}\r\n`] as const,
    );
    const publishing = Array.from({ length: 60 }, (_, round) => {
      const texts = subjects.map((to, at) => {
        const body = bodies[(at + round) % bodies.length]!;
        return `PUB ${to} ${at % 3 === 0 ? 'reply.to ' : ''}${body.length}\r\n${body}\r\n`;
      });
      return [round % SESSIONS, texts.join('')] as const;
    });
    const [ours, twins] = outputs([true, false, true], [...subscribing, ...publishing], [65_536]);
    expect(ours.map((bytes, at) => bytes.equals(twins[at]!))).toEqual([true, true, true]);
    expect(ours[0]!.length).toBeGreaterThan(1_000_000);
  });

  it('finds as many filters as the model', () => {
    const filters = fc.uniqueArray(filter, { minLength: 1, maxLength: 30 });
    check(
      100,
      fc.property(filters, published, (texts, to) => {
        const twin = new TwinDriver(PICK);
        const session = twin.openSession(true);
        const lines = texts.map((text, at) => `SUB ${text} ${at}\r\n`).join('');
        twin.feed(session, Buffer.from(lines, 'latin1'));
        TWIN_BYTES.set(Buffer.from(to, 'latin1'), TWIN_INBOX);
        return (
          twinMatch(TWIN_INBOX, to.length) === texts.filter((text) => matches(to, text)).length
        );
      }),
    );
  });
});
