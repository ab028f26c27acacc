// JetStream of a server: its options, and its start, with the lines of the log that harnesses know. What it is made of
// is loaded only when the options name it.
import type { BusInternals } from '../bus/internals.ts';
import type { ServedJetStream } from '../jetstream/jetstream.ts';
import type { JetStreamOptions, JetStreamSettings } from '../jetstream/options.ts';
import type { Clock } from '../shared/clock.ts';
import { InvalidArgumentError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { API_LEVEL } from '../shared/version.ts';

/** What `serve` may be told: all defaults, or options. */
export type JetStreamChoice = boolean | Omit<JetStreamOptions, 'clock'>;

const BANNER = [
  '    _ ___ _____ ___ _____ ___ ___   _   __  __',
  ' _ | | __|_   _/ __|_   _| _ \\ __| /_\\ |  \\/  |',
  '| || | _|  | | \\__ \\ | | |   / _| / _ \\| |\\/| |',
  ' \\__/|___| |_| |___/ |_| |_|_\\___/_/ \\_\\_|  |_|',
  '',
  '         https://docs.nats.io/jetstream',
  '',
  '---------------- JETSTREAM ----------------',
];
const RULE = '-------------------------------------------';

/** Undefined when none is asked for. Throws InvalidArgumentError. */
export function jetStreamChoice(value: unknown): JetStreamOptions | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true) return {};
  if (typeof value === 'object' && value !== null) return value;
  throw InvalidArgumentError.format('jetstream', 'must be a boolean or an object');
}

/** Rejects with InvalidArgumentError for an option, and InvalidOperationError when the bus has it already. */
export async function startServerJetStream(
  internals: BusInternals,
  options: JetStreamOptions,
  { logger, clock }: { readonly logger: Logger; readonly clock: Clock },
): Promise<ServedJetStream> {
  logger.info('Starting JetStream');
  const start = clock.monotonic();
  const { openJetStream } = await import('../jetstream/jetstream.ts');
  const jetstream = await openJetStream(
    internals,
    { ...options, clock },
    {
      warn: (text) => logger.warn(text),
      info: (text) => logger.info(text),
      opened: (settings) => {
        for (const line of settingLines(settings)) logger.info(line);
      },
    },
  );
  logger.info(`Took ${(clock.monotonic() - start).toFixed(3)}ms to start JetStream`);
  return jetstream;
}

function settingLines(settings: JetStreamSettings): string[] {
  const { isStrict, maxMemory, maxFile, storeDir, domain } = settings;
  return [
    ...BANNER,
    ...(isStrict ? ['  Strict:          true'] : []),
    `  Max Memory:      ${friendlyBytes(maxMemory)}`,
    `  Max Storage:     ${friendlyBytes(maxFile)}`,
    ...(storeDir === undefined ? [] : [`  Store Directory: ${JSON.stringify(storeDir)}`]),
    ...(domain === undefined ? [] : [`  Domain:          ${domain}`]),
    `  API Level:       ${API_LEVEL}`,
    RULE,
  ];
}

/** Source: nats-server 2.15.3, server/jetstream.go, friendlyBytes. */
export function friendlyBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const exponent = Math.floor(Math.log(bytes) / Math.log(1024));
  return `${(bytes / 1024 ** exponent).toFixed(2)} ${'KMGTPE'[exponent - 1]}B`;
}
