// The options of a request, read as Go reads them: the first value of a name, empty is none, and a wrong one is
// answered in Go's own words.
// Source: nats-server 2.15.3, server/monitor.go, decodeBool, decodeInt, decodeUint64, decodeState, decodeSubs.
import type { ConnectionState } from './connz.ts';

/** A request that cannot be answered: 400 and the text. */
export class QueryError extends Error {
  override readonly name: string = 'QueryError';
}

const TRUE: readonly string[] = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE: readonly string[] = ['0', 'f', 'F', 'FALSE', 'false', 'False'];
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const INT_MAX = 2n ** 63n - 1n;
const UINT_MAX = 2n ** 64n - 1n;

/**
 * What stands behind `?`, a character a byte. A pair with a semicolon, or with a percent sign that begins no byte, is
 * passed over. Source: Go, net/url/url.go, parseQuery.
 */
export function readQuery(search: string): URLSearchParams {
  const query = new URLSearchParams();
  for (const pair of search.split('&')) {
    if (pair === '' || pair.includes(';') || /%(?![\da-fA-F]{2})/.test(pair)) continue;
    const at = pair.indexOf('=');
    const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
    query.append(unescaped(name), unescaped(value));
  }
  return query;
}

function unescaped(text: string): string {
  const bytes = text.replaceAll('+', ' ').replace(/%(..)/g, (_, hex: string) => {
    return String.fromCharCode(Number.parseInt(hex, 16));
  });
  return decoder.decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
}

/** False when it is not there. Throws QueryError. */
export function boolean(query: URLSearchParams, name: string): boolean {
  const value = text(query, name);
  if (value === '' || FALSE.includes(value)) return false;
  if (TRUE.includes(value)) return true;
  throw malformed('boolean', name, 'ParseBool', value, 'invalid syntax');
}

/** 0 when it is not there; beyond 2^53 the nearest double. Throws QueryError. */
export function integer(query: URLSearchParams, name: string): number {
  const value = text(query, name);
  if (value === '') return 0;
  if (!/^[+-]?\d+$/.test(value)) throw malformed('int', name, 'Atoi', value, 'invalid syntax');
  const number = BigInt(value.replace(/^\+/, ''));
  if (number > INT_MAX || number < -INT_MAX - 1n) {
    throw malformed('int', name, 'Atoi', value, 'value out of range');
  }
  return Number(number);
}

/** The same of a number that is not negative. */
export function unsigned(query: URLSearchParams, name: string): number {
  const value = text(query, name);
  if (value === '') return 0;
  if (!/^\d+$/.test(value)) throw malformed('uint64', name, 'ParseUint', value, 'invalid syntax');
  const number = BigInt(value);
  if (number > UINT_MAX) {
    throw malformed('uint64', name, 'ParseUint', value, 'value out of range');
  }
  return Number(number);
}

/** Empty when it is not there. */
export function text(query: URLSearchParams, name: string): string {
  return query.get(name) ?? '';
}

/** Of `subs`: whether subscriptions are listed, and how. Throws QueryError. */
export function subscriptionLists(query: URLSearchParams): 'none' | 'subjects' | 'details' {
  if (text(query, 'subs').toLowerCase() === 'detail') return 'details';
  return boolean(query, 'subs') ? 'subjects' : 'none';
}

/** Of `state`. Throws QueryError. */
export function state(query: URLSearchParams): ConnectionState {
  const value = text(query, 'state');
  const name = value.toLowerCase();
  if (name === '' || name === 'open') return 'open';
  if (name === 'closed') return 'closed';
  if (name === 'any' || name === 'all') return 'all';
  throw new QueryError(`Error decoding state for ${value}`);
}

function malformed(
  type: string,
  name: string,
  parser: string,
  value: string,
  why: string,
): QueryError {
  const reason = `strconv.${parser}: parsing ${JSON.stringify(value)}: ${why}`;
  return new QueryError(`Error decoding ${type} for '${name}': ${reason}`);
}
