// The cases of the macro bench: what the load generator does, and which servers can take part.

import { join } from 'node:path';
import { ROOT } from '../shared/root.ts';
import { FOLDER } from './servers.ts';

/** One case. */
export interface MacroCase {
  /** `--case` is matched against it. */
  readonly name: string;
  readonly mode: 'throughput' | 'request' | 'stream';
  /** Flags of the load generator. */
  readonly flags: readonly string[];
  /** Publisher i is heard by subscriber i alone. */
  readonly pairs: boolean;
  /** The relay takes part as the limit; it cannot when a server must know subjects. */
  readonly hasLimit: boolean;
  /** A round is a fixed number of messages, and so dear that fewer rounds must do. */
  readonly isHeavy: boolean;
  /** More flags of the servers. */
  readonly serverFlags?: readonly string[];
}

const SIZES: readonly (readonly [label: string, bytes: number])[] = [
  ['16 B', 16],
  ['128 B', 128],
  ['1 KiB', 1024],
  ['16 KiB', 16_384],
];

const FILE_PUBLISHES: readonly (readonly [what: string, inFlight: number, bytes: number])[] = [
  ['16 B, 4096 in flight', 4096, 16],
  ['1 KiB, 4096 in flight', 4096, 1024],
  ['16 B, 64 in flight', 64, 16],
  ['16 B, one at a time', 1, 16],
];
/** `sync_interval: always`. */
const ALWAYS_SYNCED: string = join(ROOT, 'bench', 'macro', 'always-synced.conf');

/** All cases in the order of the report. */
export const MACRO_CASES: readonly MacroCase[] = [
  ...SIZES.map(([label, bytes]) => throughput(`pub ${label}`, 1, 0, bytes)),
  ...SIZES.map(([label, bytes]) => throughput(`1-1 ${label}`, 1, 1, bytes)),
  throughput('1-5 128 B', 1, 5, 128),
  ...SIZES.map(([label, bytes]) => throughput(`5-5 pairs ${label}`, 5, 5, bytes)),
  {
    ...throughput('10k subjects, 100k other subs', 1, 1, 16),
    flags: [...transfer(1, 1, 16), ...['--subjects', '10000', '--other-subscriptions', '100000']],
    hasLimit: false,
  },
  request('request 1 in flight', 1),
  request('request 50 in flight', 50),
  withWrites('1-1 16 B, one a write', 16, 1),
  withWrites('1-1 128 B, 1 KiB a write', 128, 1024),
  {
    ...throughput('1-1000, five of 1 MiB', 1, 1000, 1 << 20),
    flags: [...transfer(1, 1000, 1 << 20), '--messages', '5'],
    isHeavy: true,
  },
  stream('stream publish 16 B, 4096 in flight', 'publish', 4096, 16),
  stream('stream publish 1 KiB, 4096 in flight', 'publish', 4096, 1024),
  stream('stream publish 16 B, 64 in flight', 'publish', 64, 16),
  stream('stream publish 16 B, one at a time', 'publish', 1, 16),
  stream('stream pull 16 B', 'pull', 4096, 16, 500_000),
  stream('stream pull 16 B, with acks', 'ack', 4096, 16, 200_000),
  stream('stream push 16 B, ordered', 'push', 1, 16, 500_000),
  stream('stream push 1 KiB, ordered', 'push', 1, 1024, 200_000),
  stream('stream direct get 16 B, 256 in flight', 'get', 256, 16),
  ...FILE_PUBLISHES.map(([what, inFlight, bytes]) =>
    onDisk(stream(`file stream publish ${what}`, 'publish', inFlight, bytes)),
  ),
  ...FILE_PUBLISHES.filter(([, , bytes]) => bytes === 16).map(([what, inFlight, bytes]) =>
    onDisk(stream(`file stream, always synced, publish ${what}`, 'publish', inFlight, bytes), true),
  ),
  onDisk(stream('file stream pull 16 B', 'pull', 4096, 16, 500_000)),
  onDisk(stream('file stream pull 16 B, with acks', 'ack', 4096, 16, 200_000)),
  onDisk(stream('file stream direct get 16 B, 256 in flight', 'get', 256, 16)),
  stream('KV put 128 B, 64 in flight', 'kv-put', 64, 128),
  stream('KV get 128 B, 64 in flight', 'kv-get', 64, 128),
];

function transfer(publishers: number, subscribers: number, bytes: number): string[] {
  return [
    ...['--publishers', String(publishers), '--subscribers', String(subscribers)],
    ...['--payload', String(bytes)],
  ];
}

function throughput(
  name: string,
  publishers: number,
  subscribers: number,
  bytes: number,
): MacroCase {
  const pairs = publishers > 1;
  const flags = [...transfer(publishers, subscribers, bytes), ...(pairs ? ['--pairs'] : [])];
  return { name, mode: 'throughput', flags, pairs, hasLimit: true, isHeavy: false };
}

function withWrites(name: string, bytes: number, writeBytes: number): MacroCase {
  const plain = throughput(name, 1, 1, bytes);
  return { ...plain, flags: [...plain.flags, '--write-bytes', String(writeBytes)] };
}

function request(name: string, inFlight: number): MacroCase {
  const flags = ['--in-flight', String(inFlight), '--payload', '16'];
  return { name, mode: 'request', flags, pairs: false, hasLimit: false, isHeavy: false };
}

/** Memory storage, 1,000 subjects. What is pulled is published before; its number is fixed. */
function stream(
  name: string,
  operation: 'publish' | 'pull' | 'ack' | 'get' | 'push' | 'kv-put' | 'kv-get',
  inFlight: number,
  bytes: number,
  messages = 0,
): MacroCase {
  const flags = [
    ...['--operation', operation, '--in-flight', String(inFlight), '--payload', String(bytes)],
    ...['--subjects', '1000', '--messages', String(messages)],
  ];
  const serverFlags = ['-js', '-sd', join(FOLDER, 'store')];
  return {
    name,
    mode: 'stream',
    flags,
    pairs: false,
    hasLimit: false,
    isHeavy: false,
    serverFlags,
  };
}

/** The same in file storage, as most streams are; each acknowledged when it is synced, or not. */
function onDisk(memoryCase: MacroCase, isAlwaysSynced = false): MacroCase {
  const { flags, serverFlags = [] } = memoryCase;
  return {
    ...memoryCase,
    flags: [...flags, '--storage', 'file'],
    serverFlags: isAlwaysSynced ? [...serverFlags, '-c', ALWAYS_SYNCED] : serverFlags,
  };
}
