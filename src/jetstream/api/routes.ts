// The kinds of requests: by which words of the subject they are known, how many names follow, what they are answered by.
// Source: nats-server 2.15.3, server/jetstream_api.go, setJetStreamExportSubs.

import { API_LEVEL } from '../../shared/version.ts';
import { ZERO_TIME } from '../wire-time.ts';
import * as consumers from './consumer-requests.ts';
import * as messages from './message-requests.ts';
import type { Answer, ApiRequest, Fields, Handler } from './request.ts';
import * as streams from './stream-requests.ts';
import * as unsupported from './unsupported.ts';

export interface Route {
  /** Names behind the words: at least and at most. */
  readonly names: readonly [min: number, max: number];
  /** The kind of answer, between `io.nats.jetstream.api.v1.` and `_response`. */
  readonly type: string;
  readonly handle: Handler;
  /** Members that an answer has even when it is a refusal. */
  readonly always?: Fields;
  /** It looks at other things before it looks at the level that is asked for. */
  readonly looksAtLevel?: boolean;
  /** It makes, changes or deletes the stream: what it answers may wait for the disk. */
  readonly changesStream?: boolean;
}

const PAGING: Fields = { total: 0, offset: 0, limit: 0 };
const CREATE = 'consumer_create';

/** By the words between `$JS.API.` and the names. */
export const ROUTES: ReadonlyMap<string, readonly Route[]> = new Map<string, readonly Route[]>([
  ['INFO', [{ names: [0, 0], type: 'account_info', handle: describeAccount }]],
  ['STREAM.CREATE', [changing('stream_create', streams.createStream)]],
  ['STREAM.UPDATE', [changing('stream_update', streams.updateStream)]],
  ['STREAM.INFO', [{ ...named('stream_info', streams.describeStream), always: PAGING }]],
  [
    'STREAM.NAMES',
    [
      {
        names: [0, 0],
        type: 'stream_names',
        handle: streams.nameStreams,
        always: { ...PAGING, streams: null },
      },
    ],
  ],
  [
    'STREAM.LIST',
    [
      {
        names: [0, 0],
        type: 'stream_list',
        handle: streams.listStreams,
        always: { ...PAGING, streams: [] },
      },
    ],
  ],
  ['STREAM.DELETE', [changing('stream_delete', streams.deleteStream)]],
  ['STREAM.PURGE', [{ ...named('stream_purge', streams.purgeStream), always: { purged: 0 } }]],
  ['STREAM.MSG.GET', [named('stream_msg_get', messages.getMessage)]],
  ['STREAM.MSG.DELETE', [named('stream_msg_delete', messages.deleteMessage)]],
  ['STREAM.SNAPSHOT', [named('stream_snapshot', unsupported.snapshotStream)]],
  [
    'STREAM.RESTORE',
    [{ ...named('stream_restore', unsupported.restoreStream), always: { deliver_subject: '' } }],
  ],
  [
    'CONSUMER.CREATE',
    [
      { names: [1, 1], type: CREATE, handle: consumers.createEphemeral, looksAtLevel: true },
      { names: [2, Infinity], type: CREATE, handle: consumers.createNamed, looksAtLevel: true },
    ],
  ],
  [
    'CONSUMER.DURABLE.CREATE',
    [{ names: [2, 2], type: CREATE, handle: consumers.createDurable, looksAtLevel: true }],
  ],
  [
    'CONSUMER.NAMES',
    [
      {
        ...named('consumer_names', consumers.nameConsumers),
        always: { ...PAGING, consumers: [] },
      },
    ],
  ],
  [
    'CONSUMER.LIST',
    [{ ...named('consumer_list', consumers.listConsumers), always: { ...PAGING, consumers: [] } }],
  ],
  [
    'CONSUMER.INFO',
    [{ ...named('consumer_info', consumers.describeConsumer, 2), looksAtLevel: true }],
  ],
  ['CONSUMER.DELETE', [named('consumer_delete', consumers.deleteConsumer, 2)]],
  [
    'CONSUMER.PAUSE',
    [
      {
        ...named('consumer_pause', unsupported.pauseConsumer, 2),
        always: { paused: false, pause_until: ZERO_TIME },
        looksAtLevel: true,
      },
    ],
  ],
  [
    'CONSUMER.RESET',
    [
      {
        ...named('consumer_reset', unsupported.resetConsumer, 2),
        always: { reset_seq: 0 },
        looksAtLevel: true,
      },
    ],
  ],
  ['CONSUMER.UNPIN', [named('consumer_unpin', unsupported.unpinConsumer, 2)]],
  ['STREAM.LEADER.STEPDOWN', [ofCluster('stream_leader_stepdown', 1)]],
  ['STREAM.PEER.REMOVE', [ofCluster('stream_remove_peer', 1)]],
  ['STREAM.PEER.EVACUATE', [ofCluster('stream_evacuate_peer', 1)]],
  ['STREAM.CANCEL_MOVE', [ofCluster('stream_cancel_move', 1)]],
  ['CONSUMER.LEADER.STEPDOWN', [ofCluster('consumer_leader_stepdown', 2)]],
  ['CONSUMER.PEER.REMOVE', [ofCluster('consumer_remove_peer', 2)]],
  ['CONSUMER.PEER.EVACUATE', [ofCluster('consumer_evacuate_peer', 2)]],
]);

function named(type: string, handle: Handler, count = 1): Route {
  return { names: [count, count], type, handle };
}

function changing(type: string, handle: Handler): Route {
  return { ...named(type, handle), changesStream: true };
}

function ofCluster(type: string, count: number): Route {
  return { ...named(type, unsupported.requireCluster, count), looksAtLevel: true };
}

function describeAccount({ account }: ApiRequest): Answer {
  const { total, errors } = account.counters;
  const usage = { ...account.usage(), domain: account.domain };
  return { fields: { ...usage, api: { level: API_LEVEL, total, errors } } };
}

/** The words of the longest kind. */
const WORDS_MAX = 3;

/** The kind of a request, by the tokens of its subject behind `$JS.API`; undefined: there is none such. */
export function findRoute(
  tokens: readonly string[],
): { route: Route; names: readonly string[] } | undefined {
  for (let count = 1; count <= WORDS_MAX; count++) {
    const names = tokens.slice(count);
    const route = ROUTES.get(tokens.slice(0, count).join('.'))?.find(
      ({ names: [min, max] }) => names.length >= min && names.length <= max,
    );
    if (route !== undefined) return { route, names };
  }
  return undefined;
}
