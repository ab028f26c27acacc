// Durations as Go writes them: `1m30s`, `300ms`, `-1.5h`.
// Source: Go, time.ParseDuration.
import { quoteGoText } from './go-quote.ts';

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const INT64_MAX = 2n ** 63n - 1n;
const PART = /([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/y;

/** The text is no duration; the message is Go's. */
export class DurationMistake extends Error {
  override readonly name: string = 'DurationMistake';
}

/** Nanoseconds. Throws DurationMistake. */
export function parseDuration(text: string): bigint {
  const invalid = new DurationMistake(`time: invalid duration ${quoteGoText(text)}`);
  const isNegative = text.startsWith('-');
  const rest = text.replace(/^[-+]/, '');
  if (rest === '0') return 0n;
  if (rest === '') throw invalid;
  let total = 0n;
  PART.lastIndex = 0;
  while (PART.lastIndex < rest.length) {
    const [, whole = '', fraction = '', unit = ''] = PART.exec(rest) ?? [];
    if (whole === '' && fraction === '') throw invalid;
    if (unit === '') {
      throw new DurationMistake(`time: missing unit in duration ${quoteGoText(text)}`);
    }
    const factor = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
    if (factor === undefined) {
      const name = quoteGoText(unit);
      throw new DurationMistake(`time: unknown unit ${name} in duration ${quoteGoText(text)}`);
    }
    total += BigInt(whole === '' ? 0 : whole) * factor + fractionOf(fraction, factor);
    if (total > INT64_MAX + (isNegative ? 1n : 0n)) throw invalid;
  }
  return isNegative ? -total : total;
}

/** Digits behind the point, of a unit; what is below a nanosecond is cut. */
function fractionOf(digits: string, factor: bigint): bigint {
  const few = digits.slice(0, 18);
  return few === '' ? 0n : (BigInt(few) * factor) / 10n ** BigInt(few.length);
}
