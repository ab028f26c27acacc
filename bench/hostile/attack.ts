// What an attack may be, and who plays it.

import { type ComePlan, come, type DripPlan, drip } from './connecting.ts';
import type { Field } from './field.ts';
import {
  type FloodPlan,
  flood,
  type ReadersPlan,
  readers,
  type UniquePlan,
  unique,
} from './flooding.ts';
import {
  type BurstPlan,
  burst,
  type ChurnPlan,
  churn,
  type LeavePlan,
  leave,
} from './subscribing.ts';

/** One attack, as data: the attackers get it as a word of their command line. */
export type Plan =
  | BurstPlan
  | LeavePlan
  | ChurnPlan
  | FloodPlan
  | UniquePlan
  | ReadersPlan
  | ComePlan
  | DripPlan;

/** Plays it until this process is ended. Rejects when it cannot be played. */
export function attack(field: Field, plan: Plan): Promise<void> {
  switch (plan.kind) {
    case 'burst':
      return burst(field, plan);
    case 'leave':
      return leave(field, plan);
    case 'churn':
      return churn(field);
    case 'flood':
      return flood(field, plan);
    case 'unique':
      return unique(field, plan);
    case 'readers':
      return readers(field, plan);
    case 'come':
      return come(field, plan);
    case 'drip':
      return drip(field, plan);
  }
}
