// `/healthz`: one line that says whether the server can serve.
// Source: nats-server 2.15.3, server/monitor.go, HandleHealthz.
import type { HttpResponse } from '../net/http.ts';
import type { Logger } from '../shared/logger.ts';
import { boolean } from './query.ts';
import { jsonResponse } from './routes.ts';

/** In the order in which they are looked at. No leaf node is dialled, and there are no streams: they ask for nothing. */
const BOOLEANS = [
  'js-enabled',
  'js-enabled-only',
  'js-server-only',
  'js-meta-only',
  'leaf-remotes-connected',
  'details',
];
const DEPRECATED = 'Healthcheck: js-enabled deprecated, use js-enabled-only instead';

/** Answers `/healthz`, or throws QueryError; `problem` says why the server cannot serve, undefined when it can. */
export function healthz(
  query: URLSearchParams,
  problem: string | undefined,
  logger: Logger,
): HttpResponse {
  for (const name of BOOLEANS) {
    if (boolean(query, name) && name === 'js-enabled') logger.warn(DEPRECATED);
  }
  const withDetails = boolean(query, 'details');
  const missing = missingOption(query);
  if (missing !== undefined) {
    return failed(400, `${missing}`, 'BAD_REQUEST', withDetails, logger);
  }
  if (problem !== undefined) return failed(500, problem, 'CONNECTION', withDetails, logger);
  return jsonResponse(200, { status: 'ok' }, 0);
}

function missingOption(query: URLSearchParams): string | undefined {
  const has = (name: string): boolean => (query.get(name) ?? '') !== '';
  if (has('stream') && !has('account')) {
    return '"account" must not be empty when checking stream health';
  }
  if (has('consumer') && !has('stream')) {
    return '"stream" must not be empty when checking consumer health';
  }
  return undefined;
}

function failed(
  status: number,
  error: string,
  type: string,
  withDetails: boolean,
  logger: Logger,
): HttpResponse {
  logger.warn(`Healthcheck failed: ${withDetails ? '1 errors' : JSON.stringify(error)}`);
  const body = withDetails
    ? { status: 'error', errors: [{ type, error }] }
    : { status: 'error', error };
  return jsonResponse(status, body, 0);
}
