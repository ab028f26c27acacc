// Pages of long answers. Their sizes are the original's.
// Source: nats-server 2.15.3, server/jetstream_api.go, JSApiNamesLimit and JSApiListLimit.
import { INT64, readObject, STRING } from '../json-reader.ts';

export const NAMES_PAGE = 1024;
export const LIST_PAGE = 256;

/** What a request for a list may say. */
export interface ListRequest {
  readonly offset?: number;
  /** Only streams that have a subject which this one can meet. */
  readonly subject?: string;
}

export interface Page<T> {
  readonly paging: { readonly total: number; readonly offset: number; readonly limit: number };
  readonly items: readonly T[];
}

const OFFSET = { offset: INT64 };
const OFFSET_AND_SUBJECT = { ...OFFSET, subject: STRING };

/** Throws JsonError. */
export function readStreamList(text: string, isStrict: boolean): ListRequest {
  return readObject<ListRequest>(text, OFFSET_AND_SUBJECT, isStrict);
}

/** Throws JsonError. */
export function readConsumerList(text: string, isStrict: boolean): ListRequest {
  return readObject<ListRequest>(text, OFFSET, isStrict);
}

/** The page of at most `limit` items that begins at `offset`. */
export function pageOf<T>(items: readonly T[], offset: number | undefined, limit: number): Page<T> {
  const total = items.length;
  const start = Math.min(Math.max(0, Number(offset ?? 0)), total);
  return {
    paging: { total, offset: start, limit },
    items: items.slice(start, start + limit),
  };
}
