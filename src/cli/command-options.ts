// What the command serves: the options of `serve` that its file and flags come to.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withEmptySecrets } from '../server/authorization.ts';
import { emptySecretTexts } from '../server/file-authorization.ts';
import { serveOptionsOf } from '../server/file-options.ts';
import { logTextsOf, othersOf } from '../server/file-others.ts';
import type { ServeOptions } from '../server/index.ts';
import { ignoredText, refusedText } from '../server/unsupported.ts';
import { DEFAULT_LIMITS } from '../shared/limits.ts';
import type { Configured } from './configure.ts';

/** Source: nats-server 2.15.3, server/jetstream.go, dynJetStreamConfig: the directory, too. */
const TEMPORARY_TEXT = 'Temporary storage directory used, data could be lost on system reboot';
/** Suites wait for a ports file of this name. */
const PORTS_FILE_NAME = 'nats-server';

interface CommandOptions {
  readonly options: ServeOptions;
  /** Lines for the log: what is not carried out, and what is empty. Those of a file go with the options. */
  readonly warnings: readonly string[];
}

/** A text when that would lack what a server must not lack. */
export function commandOptions({ values, demands, config }: Configured): CommandOptions | string {
  const refused = refusedText(demands);
  if (refused !== undefined) return refused;
  const { authorization, websocket, monitoring, jetstream, ...others } = serveOptionsOf(values);
  const isPlaced = typeof jetstream !== 'object' || jetstream.storeDir !== undefined;
  const warnings = [
    ...ignoredText(demands),
    ...emptySecretTexts(values),
    ...(isPlaced ? [] : [TEMPORARY_TEXT]),
  ];
  const options: ServeOptions = {
    ...others,
    // Else it would be that of the bus, which was made with the first one.
    maxPayload: others.maxPayload ?? DEFAULT_LIMITS.maxPayload,
    ...(authorization !== undefined && { authorization: withEmptySecrets(authorization) }),
    ...(websocket !== undefined && {
      websocket: {
        ...websocket,
        ...(websocket.authorization !== undefined && {
          authorization: withEmptySecrets(websocket.authorization),
        }),
      },
    }),
    ...(jetstream !== undefined && {
      jetstream: isPlaced ? jetstream : { ...jetstream, storeDir: join(tmpdir(), 'nats') },
    }),
    // Whoever starts a server by itself asks it by whatever name the machine has.
    ...(monitoring !== undefined && { monitoring: { ...monitoring, hosts: ['*'] } }),
    executableName: PORTS_FILE_NAME,
  };
  if (config === undefined) return { options, warnings };
  const { file, digest } = config;
  const texts = { ...othersOf(values), ...logTextsOf(values) };
  const configuration = { file, digest, warnings, others: texts };
  return { options: { ...options, configuration }, warnings: [] };
}
