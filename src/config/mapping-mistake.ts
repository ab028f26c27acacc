// Whether the destinations of a mapping can be: subjects, and functions of the tokens of its source.
// Source: nats-server 2.15.3, server/accounts.go, AddWeightedMappings.
import { quoteGoText } from '../shared/go-quote.ts';
import {
  type AccountFunction,
  checkDestination,
  SubjectTransform,
  TransformMistake,
  withAccountFunctions,
} from '../shared/subject-transform.ts';
import { isSubject } from './checks.ts';

/** Any hash that it may have: whether a mapping can be does not hang on which. */
export const ACCOUNT_HASH = 'AAAAAAAA';
const OWN: Readonly<Partial<Record<AccountFunction, string>>> = { 'account-hash': ACCOUNT_HASH };

interface Destination {
  readonly subject?: string;
  readonly weight?: number;
  readonly cluster?: string;
}

/** What is wrong, in the original's words, without which mapping it is. */
export function mappingMistake(
  source: string,
  destinations: readonly Destination[],
): string | undefined {
  try {
    return mistakeOf(withAccountFunctions(source, OWN), destinations);
  } catch (error) {
    if (error instanceof TransformMistake) return error.message;
    throw error;
  }
}

function mistakeOf(source: string, destinations: readonly Destination[]): string | undefined {
  if (!isSubject(source)) return 'invalid subject';
  const seen = new Set<string>();
  const weights = new Map<string, number>();
  for (const { subject = '', weight = 0, cluster = '' } of destinations) {
    const destination = withAccountFunctions(subject, OWN);
    if (seen.has(destination)) return `duplicate entry for ${quoteGoText(destination)}`;
    seen.add(destination);
    const total = (weights.get(cluster) ?? 0) + weight;
    weights.set(cluster, total);
    if (total > 100) return 'total weight needs to be <= 100';
    checkDestination(destination);
    if (destination !== '') new SubjectTransform(source, destination, () => 0);
  }
  return undefined;
}
