// What is measured, and how: the contenders of a case take turns, round after round, each round in the opposite
// order of the one before, so that a drift of the machine meets all of them alike.

/** What one round of a contender gave. */
export interface Sample {
  readonly operations: number;
  readonly seconds: number;
  /** Latencies in microseconds, where the case has them. */
  readonly p50Us?: number;
  readonly p99Us?: number;
}

/** One side of a comparison, ready to be measured. */
export interface Contender {
  readonly name: string;
  /** Works for about that long. Throws when something was lost or came twice. */
  round(seconds: number): Promise<Sample>;
  close(): Promise<void> | void;
}

/** How long and how often. */
export interface Effort {
  readonly rounds: number;
  /** Length of a round. */
  readonly seconds: number;
}

/** The rounds of one contender. */
export interface Lane {
  readonly name: string;
  readonly samples: readonly Sample[];
}

/** What one case gave; the first contender is compared with each of the others. */
export interface CaseResult {
  readonly name: string;
  readonly lanes: readonly Lane[];
}

/**
 * Measures `contenders` and closes all of them; `onRound` is told the number of each round before it begins.
 * Rejects with what a round throws, else with the first thing that a close does.
 */
export async function measure(
  contenders: readonly Contender[],
  { rounds, seconds }: Effort,
  onRound: (round: number) => void,
): Promise<readonly Lane[]> {
  const lanes = contenders.map((contender) => ({ contender, samples: [] as Sample[] }));
  let endings: readonly PromiseSettledResult<void>[] = [];
  try {
    onRound(0);
    // Unmeasured: compilers and caches warm up.
    for (const { contender } of lanes) await contender.round(seconds / 2);
    for (let round = 1; round <= rounds; round++) {
      onRound(round);
      const order = round % 2 === 1 ? lanes : [...lanes].reverse();
      for (const { contender, samples } of order) samples.push(await contender.round(seconds));
    }
  } finally {
    endings = await Promise.allSettled(contenders.map(async (contender) => contender.close()));
  }
  for (const ending of endings) if (ending.status === 'rejected') throw ending.reason;
  return lanes.map(({ contender: { name }, samples }) => ({ name, samples }));
}
