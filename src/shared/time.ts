// Times and durations as nats-server writes them in JSON.

const SECOND = 1;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** Nanoseconds in a millisecond: JSON of NATS has durations in nanoseconds. */
export const NANOS_PER_MS = 1_000_000;
export const NANOS_PER_SECOND = 1_000_000_000;

/** RFC 3339 in UTC with up to nine decimals and no trailing zero, as Go's RFC3339Nano. */
export function rfc3339Nano(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  const nanos = Math.min(999_999_999, Math.round((nowMs - seconds * 1000) * NANOS_PER_MS));
  const head = new Date(seconds * 1000).toISOString().slice(0, 19);
  const decimals = String(nanos).padStart(9, '0').replace(/0+$/, '');
  return `${head}${decimals === '' ? '' : `.${decimals}`}Z`;
}

/**
 * `1y2d3h4m5s` without leading zero units.
 * Source: nats-server 1787eee, server/monitor.go, myUptime.
 */
export function uptimeText(elapsedMs: number): string {
  let rest = Math.floor(elapsedMs / 1000);
  let text = '';
  for (const [unit, name] of [
    [YEAR, 'y'],
    [DAY, 'd'],
    [HOUR, 'h'],
    [MINUTE, 'm'],
    [SECOND, 's'],
  ] as const) {
    const count = Math.floor(rest / unit);
    rest -= count * unit;
    if (count > 0 || text !== '' || unit === SECOND) text += `${count}${name}`;
  }
  return text;
}

/** Nanoseconds as `1m30s`, `1.5s`, `300ms`, `0s`. Source: Go, Duration.String. */
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
