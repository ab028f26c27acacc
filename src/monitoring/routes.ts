// From a request to the endpoint that answers it: clean paths, the redirect of unclean ones, 404.
// Source: Go's net/http ServeMux as nats-server 1787eee uses it, server/monitor.go, startMonitoring.
import { type HttpRequest, type HttpResponse, isAddress } from '../net/http.ts';
import { goJson } from '../shared/go-json.ts';
import { QueryError, readQuery } from './query.ts';

/** Answers the requests of one path; `query` holds the decoded options. */
export type Endpoint = (query: URLSearchParams) => HttpResponse;

/** A response with JSON; `indent` as in {@link goJson}. */
export function jsonResponse(status: number, value: unknown, indent = 2): HttpResponse {
  return {
    status,
    headers: { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' },
    body: goJson(value, indent),
  };
}

/** The same of a document that is made piece by piece. */
export function pageResponse(pieces: Iterable<string>, isHeavy = false): HttpResponse {
  return { ...jsonResponse(200, null), body: pieces, isHeavy };
}

/** A response with plain text. */
export function textResponse(status: number, body: string): HttpResponse {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body };
}

export interface Routes {
  /** By path, without what stands before all of them. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** What stands before all paths: empty, or begins with a slash and ends without one. The page is at it itself. */
  readonly basePath: string;
  /** Names by which it may be asked, beside addresses and `localhost`; undefined: any. */
  readonly hosts: readonly string[] | undefined;
}

/**
 * Chooses the endpoint of a request and answers. `counts` grows by one for each request that reached an
 * endpoint.
 *
 * A page of the web can make a browser ask under a name that it has had point here; what it asks by an address or by
 * `localhost` it cannot read. So other names than those, and the ones that are allowed, are refused.
 */
export function dispatch(
  request: HttpRequest,
  { endpoints, basePath, hosts }: Routes,
  counts: Map<string, number>,
): HttpResponse {
  if (hosts !== undefined && !isAllowed(request.host, hosts)) {
    return textResponse(
      403,
      `Host ${JSON.stringify(request.host)} is not among monitoring.hosts\n`,
    );
  }
  const clean = cleanPath(request.path);
  if (clean !== request.path) return redirect(request, clean);
  const whole = decode(clean);
  const path = whole === undefined ? undefined : below(basePath, whole);
  const endpoint = path === undefined ? undefined : endpoints.get(path);
  if (path === undefined || endpoint === undefined) return notFound();
  const counted = path === '/subscriptionsz' ? '/subsz' : path;
  counts.set(counted, (counts.get(counted) ?? 0) + 1);
  try {
    return endpoint(readQuery(request.search));
  } catch (error) {
    if (error instanceof QueryError) return textResponse(400, error.message);
    throw error;
  }
}

function isAllowed(host: string, allowed: readonly string[]): boolean {
  const name = host.replace(/:\d*$/, '').toLowerCase();
  if (name === '' || name === 'localhost' || isAddress(name)) return true;
  return allowed.some((each) => each.toLowerCase() === name);
}

/** The path without the base; undefined: it is not below it. */
function below(basePath: string, path: string): string | undefined {
  if (basePath === '') return path;
  if (path === basePath) return '/';
  const rest = path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : '/';
  return rest === '/' ? undefined : rest;
}

/** Without `.`, `..` and empty parts; a slash at the end is kept. Go's path.Clean, rooted. */
function cleanPath(path: string): string {
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') kept.pop();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  const clean = `/${kept.join('/')}`;
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

function redirect(request: HttpRequest, path: string): HttpResponse {
  const location = request.search === '' ? path : `${path}?${request.search}`;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 307, headers: { Location: location }, body: '' };
  }
  return {
    status: 307,
    headers: { Location: location, 'Content-Type': 'text/html; charset=utf-8' },
    body: `<a href="${escapeHtml(location)}">Temporary Redirect</a>.\n\n`,
  };
}

function notFound(): HttpResponse {
  const { headers } = textResponse(404, '');
  return {
    status: 404,
    headers: { ...headers, 'X-Content-Type-Options': 'nosniff' },
    body: '404 page not found\n',
  };
}

/** The path with its percent-encoding undone; undefined when that is malformed. */
function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};

/** Text for an HTML document or attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}
