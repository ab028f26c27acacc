// Runs test/jetstream/one-import.mjs on a server with the official client, and in one process by another import.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Outcome, runText } from '../readme/program.ts';

const IMPORTS = /^\s*import .*$/gm;
const CLIENT = '@nats-io/jetstream';
const file = fileURLToPath(new URL('../jetstream/one-import.mjs', import.meta.url));

/** With the official client, against a server. */
export function runOverTcp(url: string): Promise<Outcome> {
  return run(
    CLIENT,
    `import { connect } from '@nats-io/transport-node';
    const connection = await connect({ servers: ${JSON.stringify(url)} });
    return { connection, close: () => connection.close() };`,
  );
}

/** With the package, on a bus. */
export function runInProcess(): Promise<Outcome> {
  return run(
    'ganglion/jetstream',
    `import { createBus } from 'ganglion';
    import { enableJetStream } from 'ganglion/jetstream';
    process.removeAllListeners('warning');
    const connection = createBus();
    const running = await enableJetStream(connection);
    return { connection, close: () => running.close().then(() => connection.close()) };`,
  );
}

/** `opening` is what differs beside the import: imports, and the body of a function. */
function run(module: string, opening: string): Promise<Outcome> {
  const program = readFileSync(file, 'utf8').replace(`'${CLIENT}'`, `'${module}'`);
  const imports = opening.match(IMPORTS) ?? [];
  const body = opening.replace(IMPORTS, '');
  return runText(`${imports.join('\n')}\nglobalThis.open = async () => {${body}};\n${program}`);
}
