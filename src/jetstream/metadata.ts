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

/** Whether keys and values have more bytes than they may. */
export function isTooLong(metadata: Metadata | undefined): boolean {
  const texts = Object.entries(metadata ?? {}).flat();
  const units = texts.reduce((sum, text) => sum + text.length, 0);
  // A unit of the text is one to three bytes.
  if (units > METADATA_MAX || units * 3 <= METADATA_MAX) return units > METADATA_MAX;
  return encoder.encode(texts.join('')).length > METADATA_MAX;
}

/** Metadata as it is stored, in the order of its keys, with the level that the configuration needs. */
export function storedMetadata(metadata: Metadata | undefined, levelNeeded = 0): Metadata {
  const { [VERSION]: _version, [LEVEL]: _level, ...rest } = metadata ?? {};
  return sorted({ ...rest, [LEVEL_NEEDED]: String(levelNeeded) });
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
