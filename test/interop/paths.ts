// Where things lie for the interoperation tests.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repositoryDir: string = fileURLToPath(new URL('../..', import.meta.url));
export const interopDir: string = fileURLToPath(new URL('.', import.meta.url));
/** What the set-up makes: a Python environment, the Go client, extracted programs. Not in the repository. */
export const workDir: string = join(repositoryDir, 'build', 'interop');
/** What outlives a checkout. */
export const cacheDir: string = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
  'ganglion',
);
/** The text of the getting-started guide whose programs are run unchanged. */
export const guideFile: string =
  process.env.GANGLION_GUIDE ?? join(repositoryDir, '..', 'shared', '000_3f6e32525e747bc2.txt');
