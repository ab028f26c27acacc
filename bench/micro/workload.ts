// What the micro bench measures: functions that do the same work, side by side in one process.

/** One way to do the work. */
export interface WorkloadLane {
  readonly name: string;
  /** It is compared with the others; the others are not with each other. */
  readonly isOurs: boolean;
  /** What one call of `run` does so many times. */
  readonly operations: number;
  readonly run: () => void | Promise<void>;
}

/** One row of a table. Whatever can be checked of its lanes has been checked before it is measured. */
export interface Workload {
  readonly name: string;
  readonly lanes: readonly WorkloadLane[];
  /** By lane and by what it is: figures that are not times, taken once. */
  readonly facts?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A case: what one process measures. */
export interface MicroCase {
  /** Its workloads are rows of that table. */
  readonly group: MicroGroup;
  /** Makes everything ready. Throws when two lanes do not do the same. */
  open(): Promise<readonly Workload[]>;
}

export type MicroGroup = 'bus' | 'calls' | 'router' | 'sublist';

/** What one lane needed in one workload. */
export interface MicroLane {
  readonly name: string;
  readonly isOurs: boolean;
  /** Nanoseconds per operation, one for each round. */
  readonly samples: readonly number[];
}

/** One row as it was measured. */
export interface Measurement {
  readonly name: string;
  readonly lanes: readonly MicroLane[];
  readonly facts: Readonly<Record<string, Readonly<Record<string, number>>>>;
}
