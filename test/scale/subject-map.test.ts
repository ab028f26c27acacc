// What a map of types costs the compiler grows with the uses and the keys, not with their product. The compiler's
// own count is asked, which is the same on every machine.
import { spawnSync } from 'node:child_process';
import { beforeAll, expect, it } from 'vitest';
import { ROOT } from '../readme/markdown.ts';
import { buildPackage } from '../readme/program.ts';

beforeAll(buildPackage, 120_000);

function instantiations(keys: readonly number[]): number[] {
  const args = ['bench/types/compile.mjs', '--rounds', '1', '--json', '--keys', keys.join()];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as { instantiations: number }[]).map(
    (result) => result.instantiations,
  );
}

it('450 uses of a map of 1,000 keys are compiled without a scan of the keys for each', () => {
  expect(instantiations([1000])[0]).toBeLessThan(250_000);
});
