// All cases of the micro bench by name, in the order of the report. What they need is loaded when they open,
// in a process of their own.

import { BUS_CASES } from './bus-cases.ts';
import { CALL_CASES } from './call-cases.ts';
import { DOOR_CASES } from './door-cases.ts';
import { PROGRAM_CASES } from './program-cases.ts';
import { ROUTER_CASES } from './router-cases.ts';
import { SUBLIST_CASES } from './sublist-cases.ts';
import type { MicroCase } from './workload.ts';

/** `--case` is matched against the names. */
export const MICRO_CASES: Readonly<Record<string, MicroCase>> = {
  ...BUS_CASES,
  ...CALL_CASES,
  ...ROUTER_CASES,
  ...PROGRAM_CASES,
  ...DOOR_CASES,
  ...SUBLIST_CASES,
};
