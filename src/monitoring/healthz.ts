// `/healthz`: one line that says whether the server can serve.
// Source: nats-server 1787eee, server/monitor.go, HandleHealthz; probed on 2.15.3.
import type { HttpResponse } from '../net/http.ts';
import type { Logger } from '../shared/logger.ts';
import { jsonResponse, textResponse } from './routes.ts';

const BOOLEANS = ['js-enabled', 'js-enabled-only', 'js-server-only', 'details', 'js-meta-only'];
const TRUE: readonly string[] = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE: readonly string[] = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/** Answers `/healthz`; `problem` says why the server cannot serve, undefined when it can. */
export function healthz(
  query: URLSearchParams,
  problem: string | undefined,
  logger: Logger,
): HttpResponse {
  for (const name of BOOLEANS) {
    const value = query.get(name) ?? '';
    if (value !== '' && !TRUE.includes(value) && !FALSE.includes(value)) {
      const why = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
      return textResponse(400, `Error decoding boolean for '${name}': ${why}`);
    }
  }
  const withDetails = TRUE.includes(query.get('details') ?? '');
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
