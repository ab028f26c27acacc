// Runs programs of test/jetstream/ on a server with the official client, and in one process by another import.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Outcome, runText } from '../readme/program.ts';

const IMPORTS = /^\s*import .*$/gm;
const CLIENTS = /'@nats-io\/(?:jetstream|kv|obj)'/g;

export const STREAMS = 'one-import.mjs';
export const STORES = 'one-import-stores.mjs';

/** With the official client, against a server. */
export function runOverTcp(program: string, url: string): Promise<Outcome> {
  return run(
    program,
    undefined,
    `import { connect } from '@nats-io/transport-node';
    const connection = await connect({ servers: ${JSON.stringify(url)} });
    return { connection, close: () => connection.close() };`,
  );
}

/** With the package, on a bus. */
export function runInProcess(program: string): Promise<Outcome> {
  return run(
    program,
    'ganglion/jetstream',
    `import { createBus } from 'ganglion';
    import { enableJetStream } from 'ganglion/jetstream';
    process.removeAllListeners('warning');
    const connection = createBus();
    const running = await enableJetStream(connection);
    return { connection, close: () => running.close().then(() => connection.close()) };`,
  );
}

/** `opening` is what differs beside the imports: imports, and the body of a function. */
function run(program: string, module: string | undefined, opening: string): Promise<Outcome> {
  const path = fileURLToPath(new URL(`../jetstream/${program}`, import.meta.url));
  const source = readFileSync(path, 'utf8');
  const text = module === undefined ? source : source.replaceAll(CLIENTS, `'${module}'`);
  const imports = opening.match(IMPORTS) ?? [];
  const body = opening.replace(IMPORTS, '');
  return runText(`${imports.join('\n')}\nglobalThis.open = async () => {${body}};\n${text}`);
}
