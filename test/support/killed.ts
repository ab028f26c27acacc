// What tests have in common that kill processes at random moments: how often and when, and a child that says what it was
// told until it is killed. CRASH_ROUNDS makes them longer, CRASH_SEED repeats a run.
import { ok } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export const CRASH_SEED: number = Number(process.env.CRASH_SEED ?? Date.now() & 0x7fffffff);

/** How many rounds; says the seed, too. */
export function crashRounds(usual: number): number {
  console.log(`CRASH_SEED=${CRASH_SEED}`);
  return Number(process.env.CRASH_ROUNDS ?? usual);
}

/** Runs a program until it has said so many lines, and kills it. @returns the lines that it has said whole */
export async function killedAfter(
  lines: number,
  program: string,
  args: readonly string[],
): Promise<string[]> {
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child = spawn(process.execPath, [program, ...args], { stdio: [...stdio] });
  let said = '';
  let isKilled = false;
  for await (const part of child.stdout) {
    said += String(part);
    if (isKilled || said.split('\n').length <= lines) continue;
    isKilled = true;
    child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  ok(isKilled, `it has ended by itself: ${said.slice(-200)}`);
  return said.slice(0, said.lastIndexOf('\n')).split('\n');
}
