// What is said of things that a file or a flag asks for and that this server does not carry out. Those that decide
// who may do what, what is encrypted or where a message goes stop the start: without them it would be another server.
import type { Demand } from '../config/kinds.ts';

/** The line that says why there is no start; undefined when nothing is in the way. */
export function refusedText(demands: readonly Demand[]): string | undefined {
  const names = namesOf(demands, 'refused');
  if (names.length === 0) return undefined;
  return `Not supported yet, and nothing to start without: ${names.join(', ')}`;
}

/** A line for each of the others. */
export function ignoredText(demands: readonly Demand[]): string[] {
  return namesOf(demands, 'warned').map((name) => `Not supported yet, and ignored: ${name}`);
}

function namesOf(demands: readonly Demand[], effect: Demand['effect']): string[] {
  return [...new Set(demands.filter((each) => each.effect === effect).map(({ name }) => name))];
}
