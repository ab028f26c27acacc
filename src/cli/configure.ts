// From the command line to what is to be served: the file, the flags over it, and whether that can be. The code that
// reads files is loaded when there is one, or when a flag asks for what only it knows to check.
// Source: nats-server 2.15.3, server/opts.go, ConfigureOptions; main.go.
import type { ServerValues } from '../config/keys-server.ts';
import type { Demand } from '../config/kinds.ts';
import type { ReadConfig } from '../config/read.ts';
import type { ConfigError } from '../config/value.ts';
import { InvalidArgumentError } from '../shared/errors.ts';
import {
  CommandLineError,
  demandsOf,
  type Flags,
  stillDemanded,
  withFlags,
} from './flag-values.ts';
import { reloadProblem } from './reload-problem.ts';

export interface Configured {
  readonly values: ServerValues;
  readonly demands: readonly Demand[];
  /** Undefined without a file. */
  readonly config: ReadConfig | undefined;
}

/** How the program ends without having served. */
export interface Ending {
  readonly status: number;
  /** To standard error, behind the program's name. */
  readonly lines: readonly string[];
}

/** What the original exits with when a configuration is valid and needs a restart. */
const RESTART_STATUS = 3;

/**
 * Reads and checks; an ending when nothing is to be served.
 *
 * @param isAgain the server runs: what may keep it waiting is not read
 */
export async function configure(flags: Flags, isAgain = false): Promise<Configured | Ending> {
  const file = typeof flags.configFile === 'string' ? flags.configFile : '';
  const isCheck = flags.check === true;
  if (isCheck && file === '') {
    return failed('must specify [-c, --config] option to check configuration file syntax');
  }
  try {
    const config = file === '' ? undefined : await load(file, isAgain);
    if (config !== undefined && isCheck && config.warnings.length > 0) {
      return { status: 1, lines: [...config.warnings, ''] };
    }
    const values = withFlags(config?.values ?? {}, flags);
    const demands = [
      ...(config?.demands ?? []).filter((demand) => stillDemanded(demand, flags)),
      ...demandsOf(flags),
    ];
    const broken = await brokenBy(values, flags, config !== undefined || demands.length > 0);
    if (broken !== undefined) return failed(broken);
    const configured = { values, demands, config };
    const reloadFile = typeof flags.checkReload === 'string' ? flags.checkReload : '';
    if (isCheck && config !== undefined)
      return await checked(configured, config, reloadFile, flags);
    if (reloadFile === '') return configured;
    return failed('--test_reload can only be used together with -t');
  } catch (error) {
    return failure(error);
  }
}

/** The ending of a configuration that cannot be. */
function failure(error: unknown): Ending {
  if (error instanceof CommandLineError) return failed(error.message);
  if (!(error instanceof InvalidArgumentError)) throw error;
  const { problems = [error.message], warnings = [], isList } = error as Partial<ConfigError>;
  return { status: 1, lines: [...warnings, ...problems, ...(isList ? [''] : [])] };
}

function failed(line: string): Ending {
  return { status: 1, lines: [line] };
}

/** Reads a configuration file; throws ConfigError. */
async function load(file: string, isAgain: boolean): Promise<ReadConfig> {
  const { readBytes, readConfig, readFileBytes } = await import('../config/read.ts');
  return readConfig(file, (name) => process.env[name], isAgain ? readFileBytes : readBytes);
}

async function brokenBy(
  values: ServerValues,
  flags: Flags,
  isLoaded: boolean,
): Promise<string | undefined> {
  if (!isLoaded) {
    return values.serverName?.includes(' ') ? 'server name cannot contain spaces' : undefined;
  }
  const { brokenRule } = await import('../config/validate.ts');
  const { tlsCert, tlsKey, tlsCaCert } = flags;
  // Who starts with them is refused, whatever they are.
  const isLookedAt = flags.check === true && flags.tls !== false;
  if (!isLookedAt || !tlsCert || !tlsKey) return brokenRule(values);
  const { tlsFilesMistake } = await import('../config/checks.ts');
  const wrong = tlsFilesMistake(String(tlsCert), String(tlsKey), String(tlsCaCert ?? ''));
  return wrong ?? brokenRule(values);
}

/** The ending of a test: the file is valid, and whether a running server could take another one. */
async function checked(
  configured: Configured,
  { file, digest }: ReadConfig,
  reloadFile: string,
  flags: Flags,
): Promise<Ending> {
  const valid = `configuration file ${file} is valid (${digest})`;
  if (reloadFile === '') return { status: 0, lines: [valid] };
  const next = await configure({ ...flags, configFile: reloadFile, check: false, checkReload: '' });
  if ('status' in next) return next;
  const problem = await reloadProblem(configured, next);
  if (problem !== undefined) return { status: RESTART_STATUS, lines: [problem] };
  return { status: 0, lines: [valid, `configuration file ${reloadFile} can be reloaded`] };
}
