// Targets beside figures: what was to be reached, what was measured, and whether it was.

import type { Spread } from './statistics.ts';
import { formatNumber, formatTable } from './table.ts';

/** A bound for one figure. */
export interface Target {
  /** What is bounded, as the reader of the table knows it. */
  readonly what: string;
  readonly bound: 'at least' | 'at most';
  readonly limit: number;
  /** Behind the numbers: `x`, `MiB`, `ms`; empty for a bare number. */
  readonly unit: string;
}

/** A target and its figure. */
export interface Judgement extends Target {
  readonly measured?: Spread;
  /** By the median; `not measured` when the case did not run. */
  readonly verdict: 'met' | 'missed' | 'not measured';
}

/** Holds a figure against its target. */
export function judge(target: Target, measured: Spread | undefined): Judgement {
  if (measured === undefined) return { ...target, verdict: 'not measured' };
  const isMet =
    target.bound === 'at least' ? measured.median >= target.limit : measured.median <= target.limit;
  return { ...target, measured, verdict: isMet ? 'met' : 'missed' };
}

/** A table of those that were measured, and a line that counts the others. */
export function formatJudgements(judgements: readonly Judgement[]): string {
  const rows = judgements.flatMap(({ what, bound, limit, unit, measured, verdict }) =>
    measured === undefined
      ? []
      : [
          [
            what,
            `${bound} ${withUnit(String(limit), unit)}`,
            formatMeasured(measured, unit),
            verdict,
          ],
        ],
  );
  if (rows.length === 0) return '';
  const missing = judgements.length - rows.length;
  const table = formatTable(['target', 'wanted', 'measured', 'verdict'], rows);
  return missing === 0 ? `Targets\n\n${table}` : `Targets\n\n${table}\n\n${missing} not measured`;
}

function formatMeasured({ median, min, max }: Spread, unit: string): string {
  return `${withUnit(formatNumber(median), unit)} (${formatNumber(min)}-${formatNumber(max)})`;
}

function withUnit(value: string, unit: string): string {
  return unit === 'x' || unit === '' ? `${value}${unit}` : `${value} ${unit}`;
}
