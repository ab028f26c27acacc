// `/healthz`: one line that says whether the server can serve.
// Source: nats-server 2.15.3, server/monitor.go, HandleHealthz.
import type { JetStreamSnapshot } from '../jetstream/jetstream.ts';
import type { HttpResponse } from '../net/http.ts';
import type { Logger } from '../shared/logger.ts';
import { boolean, text } from './query.ts';
import { jsonResponse } from './routes.ts';
import type { MonitoringSource } from './source.ts';

/** In the order in which they are looked at. No leaf node is dialled, and nothing is clustered: those ask for nothing. */
const BOOLEANS = [
  'js-enabled',
  'js-enabled-only',
  'js-server-only',
  'js-meta-only',
  'leaf-remotes-connected',
  'details',
];
const DEPRECATED = 'Healthcheck: js-enabled deprecated, use js-enabled-only instead';

interface Failure {
  readonly status: number;
  readonly type: string;
  readonly error: string;
  /** What was asked for, where it is not there. */
  readonly asked?: Readonly<Record<string, string>>;
}

/** Answers `/healthz`, or throws QueryError. */
export function healthz(
  query: URLSearchParams,
  source: Pick<MonitoringSource, 'problem' | 'jetstream'>,
  logger: Logger,
): HttpResponse {
  for (const name of BOOLEANS) {
    if (boolean(query, name) && name === 'js-enabled') logger.warn(DEPRECATED);
  }
  const failure = failureOf(query, source);
  if (failure === undefined) return jsonResponse(200, { status: 'ok' }, 0);
  const { status, type, error, asked } = failure;
  const withDetails = boolean(query, 'details');
  logger.warn(`Healthcheck failed: ${withDetails ? '1 errors' : JSON.stringify(error)}`);
  const name = asked === undefined ? 'error' : 'unavailable';
  const body = withDetails
    ? { status: 'error', errors: [{ type, ...asked, error }] }
    : { status: name, error };
  return jsonResponse(status, body, 0);
}

function failureOf(
  query: URLSearchParams,
  source: Pick<MonitoringSource, 'problem' | 'jetstream'>,
): Failure | undefined {
  const missing = missingOption(query);
  if (missing !== undefined) return { status: 400, type: 'BAD_REQUEST', error: missing };
  const problem = source.problem();
  if (problem !== undefined) return { status: 500, type: 'CONNECTION', error: problem };
  const jetstream = source.jetstream();
  const isEnough = ['js-server-only', 'js-enabled-only', 'js-enabled'].some((name) =>
    boolean(query, name),
  );
  return jetstream === undefined || isEnough ? undefined : absent(query, jetstream);
}

/** Of what the query names, the first that is not there. */
function absent(query: URLSearchParams, { accounts }: JetStreamSnapshot): Failure | undefined {
  const [account, stream, consumer] = [
    text(query, 'account'),
    text(query, 'stream'),
    text(query, 'consumer'),
  ];
  const streams = accounts.find(({ name }) => name === account)?.streams;
  const found = streams?.get(stream);
  const [a, s, c] = [account, stream, consumer].map((name) => JSON.stringify(name));
  if (account !== '' && streams === undefined) {
    const error = `JetStream account ${a} not found`;
    return { status: 404, type: 'ACCOUNT', error, asked: { account } };
  }
  if (stream !== '' && found === undefined) {
    const error = `JetStream stream ${s} not found on account ${a}`;
    return { status: 404, type: 'STREAM', error, asked: { account, stream } };
  }
  if (consumer !== '' && found?.consumers.has(consumer) !== true) {
    const error = `JetStream consumer ${c} not found for stream ${s} on account ${a}`;
    return { status: 404, type: 'CONSUMER', error, asked: { account, stream, consumer } };
  }
  return undefined;
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
