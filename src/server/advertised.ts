// The address that clients are told instead of the one that is listened on: `client_advertise`.
// Source: nats-server 2.15.3, server/server.go, setInfoHostPort; server/util.go, parseHostPort; Go, net.SplitHostPort.
import { InvalidArgumentError } from '../shared/errors.ts';
import { text } from './checks.ts';

export interface Advertised {
  readonly host: string;
  /** Undefined: that which is listened on. */
  readonly port: number | undefined;
}

/** Undefined when none is given. Throws InvalidArgumentError with nats-server's text. */
export function advertised(given: unknown): Advertised | undefined {
  const address = text('clientAdvertise', given);
  if (address === undefined || address === '') return undefined;
  const parts = partsOf(address);
  if (typeof parts !== 'string') return parts;
  throw new InvalidArgumentError(`invalid ClientAdvertise value of ${address}, err=${parts}`);
}

/** The parts, or what Go says of a text that has none. */
export function partsOf(address: string): Advertised | string {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:[\]]*))?$/.exec(address);
  if (match === null) return `address ${address}: ${mistakeIn(address)}`;
  const [, six, plain = '', portText] = match;
  const host = (six ?? plain).trim();
  if (portText === undefined) return { host, port: undefined };
  const digits = portText.trim();
  if (!/^[+-]?\d+$/.test(digits)) {
    return `strconv.Atoi: parsing ${JSON.stringify(digits)}: invalid syntax`;
  }
  const port = Number(digits);
  if (!Number.isSafeInteger(port)) {
    return `strconv.Atoi: parsing ${JSON.stringify(digits)}: value out of range`;
  }
  return { host, port: port === 0 || port === -1 ? undefined : port };
}

function mistakeIn(address: string): string {
  if (!address.startsWith('[')) {
    if (address.split(':').length > 2) return 'too many colons in address';
    return address.includes('[') ? "unexpected '[' in address" : "unexpected ']' in address";
  }
  const end = address.indexOf(']');
  if (end < 0) return "missing ']' in address";
  const rest = address.slice(end + 1);
  if (rest.startsWith(':')) return 'too many colons in address';
  return 'missing port in address';
}
