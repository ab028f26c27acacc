// Times as they stand in requests and answers: RFC 3339 with up to nine decimals.
// Source: Go 1.26, time, UnmarshalJSON and MarshalJSON.
import { rfc3339Nano } from '../shared/time.ts';
import { JsonError } from './json-scanner.ts';

/** What stands for no time. */
export const ZERO_TIME = '0001-01-01T00:00:00Z';

const TIME = /^(\d{4}-\d\d-\d\d)T(\d{1,2})(:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;
const MINUTE_MS = 60_000;

/** Milliseconds since 1970 as text; 0 is the time that stands for none. */
export function timeText(ms: number): string {
  return ms === 0 ? ZERO_TIME : rfc3339Nano(ms);
}

/** A time of a request, as it is written back. `raw` is JSON. Throws JsonError. */
export function readTime(raw: string): string {
  const parts = TIME.exec(raw.slice(1, -1));
  if (!raw.startsWith('"') || parts === null) throw new JsonError(`parsing time ${raw}`);
  const [, date = '', hour = '', rest = '', fraction = '', zone = ''] = parts;
  const clock = `${hour.padStart(2, '0')}${rest}`;
  const checked = new Date(`${date}T${clock}Z`);
  // 2023-02-30 would be another day.
  if (Number.isNaN(checked.getTime()) || !checked.toISOString().startsWith(`${date}T${clock}`)) {
    throw new JsonError(`parsing time ${raw}: out of range`);
  }
  const decimals = fraction.slice(0, 9).replace(/0+$/, '');
  const offset = offsetMinutes(zone) === 0 ? 'Z' : zone;
  return `${date}T${clock}${decimals === '' ? '' : `.${decimals}`}${offset}`;
}

/** Milliseconds since 1970, with a fraction, of a time that `readTime` has given. */
export function timeMs(text: string): number {
  const [, date, hour, rest, fraction = '', zone = 'Z'] = TIME.exec(text) ?? [];
  const ms = Date.parse(`${date}T${hour}${rest}Z`) - offsetMinutes(zone) * MINUTE_MS;
  return ms + Number(`0.${fraction || '0'}`) * 1000;
}

function offsetMinutes(zone: string): number {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  return zone.startsWith('-') ? -minutes : minutes;
}
