// Times as bytes are the texts that they stand for.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { STAMP_MOST, writeStamp } from '../../src/jetstream/stamp.ts';
import { rfc3339Nano } from '../../src/shared/time.ts';

function stamp(timeMs: number): string {
  const bytes = new Uint8Array(STAMP_MOST);
  return new TextDecoder().decode(bytes.subarray(0, writeStamp(bytes, 0, timeMs)));
}

test.each([0, 999, 1000, 1_767_322_345_000, 1_767_322_345_250.5, 4_102_444_799_999.9995])(
  '%d',
  (timeMs) => {
    expect(stamp(timeMs)).toBe(rfc3339Nano(timeMs));
  },
);

test('of any moment', () => {
  const moment = fc.double({ min: 0, max: 4_102_444_800_000, noNaN: true });
  fc.assert(fc.property(moment, (timeMs) => stamp(timeMs) === rfc3339Nano(timeMs)));
});
