// The words that the server adds to the metadata of a stream or consumer. The level that a configuration needs is
// stored; version and level of the server are added to answers.
// Source: nats-server 2.15.3, server/jetstream_versioning.go.
import { API_LEVEL, JETSTREAM_VERSION } from '../shared/version.ts';

export type Metadata = Readonly<Record<string, string>>;

const LEVEL_NEEDED = '_nats.req.level';
const VERSION = '_nats.ver';
const LEVEL = '_nats.level';
const encoder = new TextEncoder();

/** Bytes that keys and values may have together. */
export const METADATA_MAX: number = 128 * 1024;

export function metadataBytes(metadata: Metadata | undefined): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(metadata ?? {})) {
    bytes += encoder.encode(key).length + encoder.encode(value).length;
  }
  return bytes;
}

/** Metadata as it is stored, in the order of its keys. Nothing that is supported needs more than level 0. */
export function storedMetadata(metadata: Metadata | undefined): Metadata {
  const { [VERSION]: _version, [LEVEL]: _level, ...rest } = metadata ?? {};
  return sorted({ ...rest, [LEVEL_NEEDED]: '0' });
}

/** Metadata as answers show it. */
export function shownMetadata(metadata: Metadata | undefined): Metadata {
  return sorted({ ...metadata, [VERSION]: JETSTREAM_VERSION, [LEVEL]: String(API_LEVEL) });
}

function sorted(metadata: Metadata): Metadata {
  const result: Record<string, string> = Object.create(null);
  for (const key of Object.keys(metadata).sort()) result[key] = metadata[key] as string;
  return result;
}
