// Bundles bench/ into build/bench/, because Node 20 does not run TypeScript by itself.
// Each file at the top of bench/ is an entry, so that a bench may start another as a process.
import type { UserConfig } from 'tsdown';

const config: UserConfig = {
  entry: ['bench/*.ts', 'bench/*/*.ts'],
  outDir: 'build/bench',
  unbundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  fixedExtension: true,
  dts: false,
  clean: true,
  report: false,
};

export default config;
