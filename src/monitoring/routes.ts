// From a request to the endpoint that answers it: clean paths, the redirect of unclean ones, 404.
// Source: Go's net/http ServeMux as nats-server 1787eee uses it, server/monitor.go, startMonitoring.
import type { HttpRequest, HttpResponse } from '../net/http.ts';
import { goJson } from '../shared/go-json.ts';

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

/** A response with plain text. */
export function textResponse(status: number, body: string): HttpResponse {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body };
}

/**
 * Chooses the endpoint of a request and answers. `counts` grows by one for each request that reached an
 * endpoint.
 */
export function dispatch(
  request: HttpRequest,
  endpoints: ReadonlyMap<string, Endpoint>,
  counts: Map<string, number>,
): HttpResponse {
  const clean = cleanPath(request.path);
  if (clean !== request.path) return redirect(request, clean);
  const path = decode(clean);
  const endpoint = path === undefined ? undefined : endpoints.get(path);
  if (path === undefined || endpoint === undefined) return notFound();
  counts.set(path, (counts.get(path) ?? 0) + 1);
  return endpoint(new URLSearchParams(request.search));
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
