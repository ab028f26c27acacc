// Where a server is and who we are to it, as one writes it: nats://user:password@host:port.

import { quoteGoText } from '../../shared/go-quote.ts';
import { DEFAULT_PORT } from '../../shared/limits.ts';
import { FlagError } from '../go-flags.ts';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** Fields of CONNECT. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Without credentials: fit to be shown. */
  readonly url: string;
}

/**
 * Reads `nats://[user:password@|token@]host[:port]`; the scheme may be missing. What is no URL character in a
 * name or password is written as `%XX`. Throws FlagError.
 */
export function parseAddress(text: string): ServerAddress {
  const full = text.includes('://') ? text : `nats://${text}`;
  let url: URL;
  try {
    url = new URL(full);
  } catch {
    throw new FlagError(`invalid value ${quoteGoText(redact(text))} for flag -server: not a URL`);
  }
  if (url.protocol !== 'nats:') {
    const scheme = url.protocol.slice(0, -1);
    throw new FlagError(`invalid value for flag -server: ${scheme} is not supported, only nats://`);
  }
  if (url.hostname === '') throw new FlagError('invalid value for flag -server: no host');
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    credentials: credentialsOf(url),
    url: `nats://${url.hostname}:${port}`,
  };
}

function credentialsOf({ username, password }: URL): Readonly<Record<string, string>> {
  const [user, pass] = [decode(username), decode(password)];
  if (user === '' && pass === '') return {};
  // As nats.go: a name alone is a token.
  return pass === '' ? { auth_token: user } : { user, pass };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new FlagError('invalid value for flag -server: a % in a name or password is written %25');
  }
}

function redact(text: string): string {
  return text.replace(/\/\/[^@]*@/, '//***@');
}
