// The flags of `bench`, the help that lists them, and their values checked.

import { quoteGoText } from '../../shared/go-quote.ts';
import { FlagError, type FlagSpec, type FlagValue, parseFlags } from '../go-flags.ts';
import { parseAddress, type ServerAddress } from './address.ts';

type FlagName = 'case' | 'help' | 'json' | 'rounds' | 'seconds' | 'server' | 'size';

// -s and --size are spelled as in the nats command line.
const FLAGS: readonly FlagSpec<FlagName>[] = [
  { name: 'server', spellings: ['s', 'server'], kind: 'string' },
  { name: 'size', spellings: ['size'], kind: 'string' },
  { name: 'case', spellings: ['case'], kind: 'string' },
  { name: 'rounds', spellings: ['rounds'], kind: 'integer' },
  { name: 'seconds', spellings: ['seconds'], kind: 'string' },
  { name: 'json', spellings: ['json'], kind: 'boolean' },
  { name: 'help', spellings: ['h', 'help'], kind: 'boolean' },
];

/** What `bench` is to do. */
export interface BenchOptions {
  readonly isHelp: boolean;
  readonly isJson: boolean;
  /** None: measure inside this process. */
  readonly servers: readonly ServerAddress[];
  readonly payloadLens: readonly number[];
  /** Only the cases whose name it matches. */
  readonly pattern: RegExp | undefined;
  readonly rounds: number;
  /** Length of a round. */
  readonly seconds: number;
}

const ROUNDS = 5;
const ROUNDS_MAX = 1000;
/** A server's round is longer: it has to fill and empty the sockets. */
const IN_PROCESS_SECONDS = 0.1;
const SERVER_SECONDS = 0.2;
const SECONDS_MAX = 60;
const SIZES = '16,128,1K';
/** The largest max_payload of nats-server. */
const SIZE_MAX = 64 * 2 ** 20;

/** The help, for a program of that name. */
export function usage(programName: string): string {
  return `
Usage: ${programName} bench [options]

Measures publishing inside this process, beside node's EventEmitter; or, with --server, a NATS server over TCP.

    -s, --server <url>[,<url>...]  nats://[user:password@|token@]host[:port]; several are measured in turn
        --size <bytes>[,<bytes>...]
                                   Payloads for --server; K is 1,024 (default: ${SIZES})
        --case <pattern>           Only the cases whose name matches this regular expression
        --rounds <n>               Rounds of each case (default: ${ROUNDS})
        --seconds <s>              Length of a round (default: ${IN_PROCESS_SECONDS}; ${SERVER_SECONDS} with --server)
        --json                     Print JSON
    -h, --help                     Show this message

Figures are medians over the rounds, with the lowest and the highest. The clients of --server are this one
process: a fast server may be waiting for them.

`;
}

/** Reads and checks the words behind `bench`; throws FlagError. */
export function parseBenchFlags(args: readonly string[]): BenchOptions {
  const { values, words } = parseFlags(FLAGS, args);
  const [word] = words;
  if (word !== undefined) throw new FlagError(`unexpected argument: ${quoteGoText(word)}`);
  const server = textOf(values.server);
  if (values.size !== undefined && server === undefined) {
    throw new FlagError('flag -size is for -server');
  }
  return {
    isHelp: values.help === true,
    isJson: values.json === true,
    servers: parseServers(server),
    payloadLens: (textOf(values.size) ?? SIZES).split(',').map(parseSize),
    pattern: parsePattern(textOf(values.case)),
    rounds: parseRounds(values.rounds),
    seconds: parseSeconds(
      textOf(values.seconds) ?? String(server === undefined ? IN_PROCESS_SECONDS : SERVER_SECONDS),
    ),
  };
}

function parseServers(text: string | undefined): readonly ServerAddress[] {
  const servers = text?.split(',').map(parseAddress) ?? [];
  const urls = servers.map(({ url }) => url);
  const twice = urls.find((url, index) => urls.indexOf(url) < index);
  // The results go by URL.
  if (twice !== undefined) throw invalid(twice, 'server', 'given twice');
  return servers;
}

function textOf(value: FlagValue | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function parseRounds(value: FlagValue | undefined): number {
  const rounds = Number(value ?? ROUNDS);
  if (rounds >= 1 && rounds <= ROUNDS_MAX) return rounds;
  throw invalid(String(rounds), 'rounds', `not between 1 and ${ROUNDS_MAX}`);
}

function parseSeconds(text: string): number {
  const seconds = /^[\d.]+$/.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= SECONDS_MAX) return seconds;
  throw invalid(text, 'seconds', `no number above 0 up to ${SECONDS_MAX}`);
}

/** As the nats command line has sizes: 128, 128B, 1K, 1KB, 1KiB, 1M; all in powers of two. */
function parseSize(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([km]?)(?:i?b)?$/i.exec(text) ?? [];
  const size = Number(digits) * { '': 1, k: 2 ** 10, m: 2 ** 20 }[unit.toLowerCase() as '' | 'k'];
  if (size <= SIZE_MAX) return size;
  throw invalid(text, 'size', `no size up to ${SIZE_MAX}`);
}

function parsePattern(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text);
  } catch {
    throw invalid(text, 'case', 'no regular expression');
  }
}

function invalid(text: string, flag: string, reason: string): FlagError {
  return new FlagError(`invalid value ${quoteGoText(text)} for flag -${flag}: ${reason}`);
}
