// Runs test/bus/one-import.mjs with another import, which is all of it that changes.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Outcome, runText } from '../readme/program.ts';

const CLIENT = '@nats-io/transport-node';
const file = fileURLToPath(new URL('../bus/one-import.mjs', import.meta.url));

/** With the official client, against a server. */
export function runOverTcp(url: string): Promise<Outcome> {
  return run(CLIENT, url);
}

/** With the package; the server that it names does not exist. */
export function runInProcess(): Promise<Outcome> {
  return run('ganglion', 'nats://nowhere.invalid:1');
}

function run(module: string, url: string): Promise<Outcome> {
  const program = readFileSync(file, 'utf8').replace(`'${CLIENT}'`, `'${module}'`);
  return runText(`process.env.NATS_URL = ${JSON.stringify(url)};\n${program}`);
}
