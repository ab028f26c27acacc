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

interface Problem {
  readonly type: string;
  /** What of it: an account, a stream and a consumer. */
  readonly of?: Readonly<Record<string, string>>;
  readonly error: string;
}

interface Failure {
  readonly status: number;
  readonly problems: readonly [Problem, ...Problem[]];
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
  const { status, problems } = failure;
  const withDetails = boolean(query, 'details');
  const [{ of, error }] = problems;
  const said = withDetails ? `${problems.length} errors` : JSON.stringify(error);
  logger.warn(`Healthcheck failed: ${said}`);
  const name = of === undefined ? 'error' : 'unavailable';
  const body = withDetails
    ? { status: 'error', errors: problems.map(({ type, of, error }) => ({ type, ...of, error })) }
    : { status: name, error };
  return jsonResponse(status, body, 0);
}

function failureOf(
  query: URLSearchParams,
  source: Pick<MonitoringSource, 'problem' | 'jetstream'>,
): Failure | undefined {
  const missing = missingOption(query);
  if (missing !== undefined) return one(400, 'BAD_REQUEST', missing);
  const problem = source.problem();
  if (problem !== undefined) return one(500, 'CONNECTION', problem);
  const jetstream = source.jetstream();
  const isEnough = ['js-server-only', 'js-enabled-only', 'js-enabled'].some((name) =>
    boolean(query, name),
  );
  return jetstream === undefined || isEnough ? undefined : ofStreams(query, jetstream);
}

function one(status: number, type: string, error: string, of?: Problem['of']): Failure {
  return { status, problems: [{ type, error, ...(of !== undefined && { of }) }] };
}

/** What is wrong with what the query names, or with all; or the first that it names and that is not there. */
function ofStreams(query: URLSearchParams, snapshot: JetStreamSnapshot): Failure | undefined {
  const [account, stream] = [text(query, 'account'), text(query, 'stream')];
  const problems: Problem[] = [];
  for (const each of snapshot.accounts) {
    if (account !== '' && each.name !== account) continue;
    for (const problem of each.problems()) {
      if (stream !== '' && problem.stream !== stream) continue;
      const of = { account: each.name, stream: problem.stream };
      problems.push({ type: 'STREAM', of, error: problem.error });
    }
  }
  const [first, ...others] = problems;
  if (first !== undefined) return { status: 503, problems: [first, ...others] };
  return absent(query, snapshot);
}

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
    return one(404, 'ACCOUNT', error, { account });
  }
  if (stream !== '' && found === undefined) {
    const error = `JetStream stream ${s} not found on account ${a}`;
    return one(404, 'STREAM', error, { account, stream });
  }
  if (consumer !== '' && found?.consumers.has(consumer) !== true) {
    const error = `JetStream consumer ${c} not found for stream ${s} on account ${a}`;
    return one(404, 'CONSUMER', error, { account, stream, consumer });
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
