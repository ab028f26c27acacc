// Durations as Go writes them: `1m30s`, `300ms`, `-1.5h`.
// Source: Go, time.ParseDuration and Duration.String.
import { quoted } from './go-quote.ts';

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
  const invalid = new DurationMistake(`time: invalid duration ${quoted(text)}`);
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
      throw new DurationMistake(`time: missing unit in duration ${quoted(text)}`);
    }
    const factor = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
    if (factor === undefined) {
      const name = quoted(unit);
      throw new DurationMistake(`time: unknown unit ${name} in duration ${quoted(text)}`);
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

/** Nanoseconds as `1m30s`, `1.5s`, `300ms`, `0s`. */
export function formatDuration(nanoseconds: bigint): string {
  const sign = nanoseconds < 0n ? '-' : '';
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (size === 0n) return '0s';
  if (size < 1000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 1000n)}µs`;
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 1_000_000n)}ms`;
  const hours = size / 3_600_000_000_000n;
  const minutes = (size / 60_000_000_000n) % 60n;
  const seconds = `${decimal(size % 60_000_000_000n, 1_000_000_000n)}s`;
  if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0n ? `${sign}${minutes}m${seconds}` : sign + seconds;
}

function decimal(size: bigint, unit: bigint): string {
  const rest = size % unit;
  if (rest === 0n) return String(size / unit);
  const digits = String(rest)
    .padStart(String(unit).length - 1, '0')
    .replace(/0+$/, '');
  return `${size / unit}.${digits}`;
}
