// The reply of a delivery: written digit by digit, and read back.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  AckSubjects,
  readAckSubject,
  TOKENS_V1,
  TOKENS_V2,
} from '../../src/jetstream/consumer/ack-subject.ts';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The reply that the numbers make. */
function written(subjects: AckSubjects, ...numbers: Parameters<AckSubjects['write']>): string {
  const bytes = new Uint8Array(subjects.write(...numbers) + 1);
  const end = subjects.copy({ bytes, data: new DataView(bytes.buffer) }, 1);
  return decoder.decode(bytes.subarray(1, end));
}

test('each reply is what its numbers say, whatever was written before', () => {
  const near = fc.oneof(
    fc.constantFrom(0, 1, 9, 10, 99, 100, 999, 1000),
    fc.nat(12),
    fc.maxSafeNat(),
  );
  const place = fc.tuple(
    fc.integer({ min: 1, max: 11 }),
    near,
    near,
    fc.constantFrom(0, 0.25, 7),
    near,
  );
  fc.assert(
    fc.property(fc.array(place, { maxLength: 30 }), (places) => {
      const subjects = new AckSubjects('S', 'C');
      return places.every(([deliveries, seq, consumerSeq, ms, pending]) => {
        const timeMs = 1_700_000_000_000 + ms;
        const shown = written(subjects, deliveries, seq, consumerSeq, timeMs, pending);
        const time = `${Math.floor(timeMs)}${ms % 1 === 0 ? '000000' : '250000'}`;
        const wanted = `$JS.ACK.S.C.${deliveries}.${seq}.${consumerSeq}.${time}.${pending}`;
        return shown === wanted;
      });
    }),
    { numRuns: 300 },
  );
});

test('a clock that begins near zero has times of more and more digits', () => {
  const subjects = new AckSubjects('S', 'C');
  const times = [0, 9.5, 10, 99, 100.25].map((timeMs) =>
    written(subjects, 1, 1, 1, timeMs, 0).split('.').at(-2),
  );
  expect(times).toEqual(['0000000', '9500000', '10000000', '99000000', '100250000']);
});

test('both forms are read, and what is no number lies beyond everything', () => {
  const read = (subject: string, form: typeof TOKENS_V1 | typeof TOKENS_V2): number[] => {
    const into = { deliveries: 0, streamSeq: 0, consumerSeq: 0 };
    readAckSubject(encoder.encode(subject), subject.length, form, into);
    return [into.deliveries, into.streamSeq, into.consumerSeq];
  };
  expect(read('$JS.ACK.S.C.2.30.41.1700000000000000000.7', TOKENS_V1)).toEqual([2, 30, 41]);
  expect(read('$JS.ACK._.hash.S.C.2.30.41.1700.7.more', TOKENS_V2)).toEqual([2, 30, 41]);
  const beyond = Number.POSITIVE_INFINITY;
  expect(read('$JS.ACK.S.C.-1.1e3.4x.0.0', TOKENS_V1)).toEqual([beyond, beyond, beyond]);
  // As the original's, numbers have 64 bits: 2^64 + 7, and 2^64 twice over.
  const wrapped = '$JS.ACK.S.C.18446744073709551623.36893488147419103232.5.0.0';
  expect(read(wrapped, TOKENS_V1)).toEqual([7, 0, 5]);
});
