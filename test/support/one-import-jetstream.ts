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
  const opening = `import { connect } from '@nats-io/transport-node';
    const connection = await connect({ servers: ${JSON.stringify(url)} });
    return { connection, close: () => connection.close(), ...common };`;
  return runText(textOf(program, undefined, opening));
}

/** With the package, on a bus. */
export function runInProcess(program: string): Promise<Outcome> {
  const text = textOf(
    program,
    'ganglion/jetstream',
    `import { createBus } from 'ganglion';
    import { enableJetStream } from 'ganglion/jetstream';
    process.removeAllListeners('warning');
    const connection = createBus();
    const running = await enableJetStream(connection);
    return { connection, close: () => running.close().then(() => connection.close()), ...common };`,
  );
  return runText(text);
}

/** As environment and standard input say of storage and restarts (test/interop/restarting.ts); `module` is all of its client. */
export function restartingText(
  program: string,
  transport: string,
  module: string | undefined,
): string {
  return textOf(
    program,
    module,
    `import { connect } from '${transport}';
    import { createInterface } from 'node:readline';
    const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const connection = await connect({
      servers: process.argv[2], reconnectTimeWait: 50, maxReconnectAttempts: -1,
    });
    const isThere = () => connection.request('$JS.API.INFO', '', { timeout: 1000 }).catch(() => {});
    const restart = async () => {
      console.log('-- restart');
      await lines.next();
      while ((await isThere()) === undefined);
    };
    const close = () => (process.stdin.destroy(), connection.close());
    return { connection, close, restart, storage: 'file' };`,
  );
}

/** `opening` is what differs beside the imports: imports, and the body of a function. */
function textOf(program: string, module: string | undefined, opening: string): string {
  const path = fileURLToPath(new URL(`../jetstream/${program}`, import.meta.url));
  const source = readFileSync(path, 'utf8');
  const text = module === undefined ? source : source.replaceAll(CLIENTS, `'${module}'`);
  const imports = opening.match(IMPORTS) ?? [];
  const body = opening.replace(IMPORTS, '');
  const common = "const common = { restart: async () => {}, storage: 'memory' };";
  return `${imports.join('\n')}\n${common}\nglobalThis.open = async () => {${body}};\n${text}`;
}
