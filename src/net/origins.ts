// Which pages of which origins may come by WebSocket: a browser says whose page it is, anybody else need not.
// Texts, and what is the same origin, are nats-server's.
// Source: nats-server 2.15.3, server/websocket.go, checkOrigin, wsGetHostAndPort and validateWebsocketOptions.

export interface OriginRules {
  /** Only pages of the host and port that were asked for. */
  readonly sameOrigin: boolean;
  /** Only pages of these origins: `https://example.com:8443`. Empty: of any. */
  readonly allowed: readonly Origin[];
}

/** Lower case; the port is always there. */
export interface Origin {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
}

interface Problem {
  readonly problem: string;
}

/** A header names an origin, or it begins as a path does, which is of no origin. */
const URL_SHAPE = /^(?:([a-z][a-z\d+.-]*):(?:\/\/([^/?#]*))?|(?=\/))/i;

/** Reads an origin of the list of allowed ones. */
export function readOrigin(text: string): Origin | Problem {
  const origin = parse(text);
  if ('problem' in origin) return origin;
  if (origin.scheme !== 'http' && origin.scheme !== 'https') {
    return { problem: 'allowed origins must be absolute URLs with http or https scheme' };
  }
  return origin.host === '' ? { problem: 'host is required' } : origin;
}

/**
 * Why the page may not come, undefined when it may.
 *
 * @param origin what the request says of its page, undefined when it says nothing
 * @param host the request's own Host
 */
export function originProblem(
  { sameOrigin, allowed }: OriginRules,
  origin: string | undefined,
  host: string,
): string | undefined {
  if (origin === undefined || origin === '' || (!sameOrigin && allowed.length === 0)) return;
  const page = parse(origin);
  if ('problem' in page) return page.problem;
  if (sameOrigin) {
    const own = hostAndPort(host, '80');
    if ('problem' in own) return own.problem;
    if (!isSame(page, { scheme: 'http', ...own })) return 'not same origin';
  }
  if (allowed.length === 0 || allowed.some((one) => isSame(one, page))) return undefined;
  return 'not in the allowed list';
}

function parse(text: string): Origin | Problem {
  const match = URL_SHAPE.exec(text);
  if (match === null) return { problem: `parse ${JSON.stringify(text)}: invalid URI for request` };
  const scheme = (match[1] ?? '').toLowerCase();
  const authority = (match[2] ?? '').replace(/^.*@/, '');
  const place = hostAndPort(authority, scheme === 'https' ? '443' : '80');
  return 'problem' in place ? place : { scheme, ...place };
}

/** As Go splits them: with a port the brackets of an IPv6 address fall away, without one they stay. */
function hostAndPort(text: string, defaultPort: string): Omit<Origin, 'scheme'> | Problem {
  const host = text.toLowerCase();
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(host);
  if (match !== null) return { host: match[1] ?? match[2] ?? '', port: match[3] ?? '' };
  if (/^(?:\[[^[\]]*\]|[^:[\]]*)$/.test(host)) return { host, port: defaultPort };
  return { problem: `address ${text}: too many colons in address` };
}

function isSame(one: Origin, other: Origin): boolean {
  return one.scheme === other.scheme && one.host === other.host && one.port === other.port;
}
