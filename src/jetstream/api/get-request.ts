// What a request for messages asks. Unknown keys are passed over.
// Source: nats-server 2.15.3, server/jetstream_api.go, JSApiMsgGetRequest.
import { wellFormedTextOf } from '../../shared/byte-text.ts';
import {
  BOOL,
  type Fields,
  INT64,
  readOneObject,
  type Shape,
  STRING,
  STRINGS,
  UINT64,
} from '../json-reader.ts';
import { readTime, timeMs } from '../wire-time.ts';

export interface GetRequest {
  readonly seq?: number;
  readonly last_by_subj?: string;
  readonly next_by_subj?: string;
  readonly batch?: number;
  readonly max_bytes?: number;
  /** Milliseconds since 1970. */
  readonly start_time?: number;
  /** Not empty. */
  readonly multi_last?: readonly string[];
  readonly up_to_seq?: number;
  readonly up_to_time?: number;
  readonly no_hdr?: boolean;
}

const TIME: Shape = { is: 'text', read: (raw) => timeMs(readTime(raw)), nullable: true };
const FIELDS: Fields = {
  seq: UINT64,
  last_by_subj: STRING,
  next_by_subj: STRING,
  batch: INT64,
  max_bytes: INT64,
  start_time: TIME,
  multi_last: STRINGS,
  up_to_seq: UINT64,
  up_to_time: TIME,
  no_hdr: BOOL,
};
const NUMBERS = ['seq', 'batch', 'max_bytes', 'up_to_seq'];

/** undefined = it cannot be read. */
export function readGetRequest(body: Uint8Array): GetRequest | undefined {
  try {
    const values = readOneObject<Record<string, unknown>>(wellFormedTextOf(body), FIELDS);
    // Beyond 2^53 there is no sequence anyway.
    for (const key of NUMBERS) if (key in values) values[key] = Number(values[key]);
    if ((values.multi_last as readonly string[] | undefined)?.length === 0) {
      delete values.multi_last;
    }
    return values as GetRequest;
  } catch {
    return undefined;
  }
}
