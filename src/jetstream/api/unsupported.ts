// Requests of the API that are known and cannot be served: what a cluster would do, and what is not there yet.
// Source: nats-server 2.15.3, server/jetstream_api.go: what it looks at before it does them.
import { refusal } from '../errors.ts';
import { readOneObject, type Shape, STRING } from '../json-reader.ts';
import { readTime } from '../wire-time.ts';
import { consumerOf } from './consumer-requests.ts';
import {
  type Answer,
  type ApiRequest,
  checkLevel,
  isEmptyBody,
  readBody,
  readOptionalFields,
  streamOf,
} from './request.ts';

const PAUSE_FIELDS = { pause_until: { is: 'text', read: readTime } as Shape };
const UNPIN_FIELDS = { group: STRING };

export function requireCluster(): never {
  throw refusal('clusterRequired');
}

export function snapshotStream(request: ApiRequest): never {
  if (isEmptyBody(request)) throw refusal('badRequest');
  streamOf(request, request.names[0]);
  throw notYet('STREAM.SNAPSHOT');
}

export function restoreStream(request: ApiRequest): never {
  if (isEmptyBody(request)) throw refusal('badRequest');
  throw notYet('STREAM.RESTORE');
}

export function pauseConsumer(request: ApiRequest): never {
  readOptionalFields(request, PAUSE_FIELDS);
  checkLevel(request);
  findConsumer(request);
  throw notYet('CONSUMER.PAUSE');
}

export function unpinConsumer(request: ApiRequest): never {
  const { group = '' } = readBody(request, (text) =>
    readOneObject<{ readonly group: string }>(text, UNPIN_FIELDS),
  );
  if (group === '') throw refusal('invalidJson', 'consumer group not specified');
  findConsumer(request);
  throw notYet('CONSUMER.UNPIN');
}

/** The original's consumers answer this themselves: where there is none, nobody does. */
export function resetConsumer(request: ApiRequest): Answer | undefined {
  const [stream = '', consumer = ''] = request.names;
  if (!request.account.streams.get(stream)?.consumers.has(consumer)) return undefined;
  checkLevel(request);
  throw notYet('CONSUMER.RESET');
}

function findConsumer(request: ApiRequest): void {
  const [stream, consumer = ''] = request.names;
  consumerOf(streamOf(request, stream), consumer);
}

function notYet(what: string): Error {
  return refusal('streamInvalidConfig', `not supported yet: ${what}`);
}
