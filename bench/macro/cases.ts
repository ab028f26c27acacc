// The cases of the macro bench: what the load generator does, and which servers can take part.

/** One case. */
export interface MacroCase {
  /** `--case` is matched against it. */
  readonly name: string;
  readonly mode: 'throughput' | 'request';
  /** Flags of the load generator. */
  readonly flags: readonly string[];
  /** Publisher i is heard by subscriber i alone. */
  readonly pairs: boolean;
  /** The relay takes part as the limit; it cannot when a server must know subjects. */
  readonly hasLimit: boolean;
  /** A round is a fixed number of messages, and so dear that fewer rounds must do. */
  readonly isHeavy: boolean;
}

const SIZES: readonly (readonly [label: string, bytes: number])[] = [
  ['16 B', 16],
  ['128 B', 128],
  ['1 KiB', 1024],
  ['16 KiB', 16_384],
];

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
