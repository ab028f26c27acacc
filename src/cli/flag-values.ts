// What flags mean: they go over what the configuration file says, also when they say nothing or 0.
// Source: nats-server 2.15.3, server/opts.go, ConfigureOptions, overrideTLS, overrideCluster.
import type { ServerValues } from '../config/keys-server.ts';
import type { AuthorizationValues } from '../config/keys-users.ts';
import type { Demand } from '../config/kinds.ts';
import type { FlagValue } from './go-flags.ts';
import { EFFECTS, type FlagName } from './options.ts';

export type Flags = Readonly<Partial<Record<FlagName, FlagValue>>>;

/** The command line contradicts itself; the message is the original's. */
export class CommandLineError extends Error {
  override readonly name: string = 'CommandLineError';
}

/** Flags that are keys of a file under the same name. */
const SAME = [
  'host',
  'port',
  'serverName',
  'pidFile',
  'httpPort',
  'httpsPort',
  'clientAdvertise',
  'portsFileDir',
  'storeDir',
  'logFile',
  'logTime',
  'logTimeUtc',
  'logSizeLimit',
  'debug',
  'trace',
  'maxTracedMsgLen',
] as const satisfies readonly (FlagName & keyof ServerValues)[];

/** The values of the file with the flags over them. Throws CommandLineError. */
export function withFlags(file: ServerValues, flags: Flags): ServerValues {
  const isTrace = file.trace || file.traceVerbose || file.traceHeaders;
  const values: Record<string, unknown> = { ...file, ...(isTrace && { trace: true }) };
  for (const name of SAME) {
    if (flags[name] !== undefined) values[name] = flags[name];
  }
  // In the order of their letters, as the original goes through them.
  const { debugAndTrace, debugAndVerboseTrace, verboseTrace, jetstream } = flags;
  for (const flag of [debugAndTrace, debugAndVerboseTrace]) {
    if (flag !== undefined) Object.assign(values, { debug: flag, trace: flag });
  }
  if (verboseTrace !== undefined) values.trace = verboseTrace;
  const isVerbose = verboseTrace ?? debugAndVerboseTrace;
  if (isVerbose !== undefined) values.traceVerbose = isVerbose;
  const authorization = authorizationOf(flags);
  if (authorization !== undefined) {
    values.authorization = { ...file.authorization, ...authorization };
  }
  if (jetstream === true) values.jetstream = file.jetstream || { isEnabled: true };
  if (jetstream === false) values.jetstream = false;
  if (flags.tls === false) delete values.tls;
  const cluster = clusterOf(flags, file);
  if (cluster !== undefined) values.cluster = { ...file.cluster, ...cluster };
  else if (flags.cluster === '') values.cluster = { ...file.cluster, port: 0 };
  if (typeof flags.clusterName === 'string') {
    values.cluster = { ...(values.cluster as object), name: flags.clusterName };
  }
  checkTls(flags);
  return values as ServerValues;
}

/** What flags ask for that is not carried out. */
export function demandsOf(flags: Flags): Demand[] {
  const isTlsOff = flags.tls === false;
  return Object.entries(flags).flatMap(([name, value]) => {
    const known = EFFECTS.get(name as FlagName);
    if (known === undefined || value === false || value === '' || value === 0) return [];
    return isTlsOff && known.name.startsWith('--tls') ? [] : [known];
  });
}

/** Flags take back what the file asks for. */
export function stillDemanded(demand: Demand, flags: Flags): boolean {
  if (demand.name === 'tls') return flags.tls !== false;
  if (demand.name === 'jetstream') return flags.jetstream !== false;
  return demand.name !== 'https_port' || flags.httpsPort === undefined;
}

/** What flags say of who may come in, also when it is nothing. */
function authorizationOf({ user, password, token }: Flags): AuthorizationValues | undefined {
  const given = Object.entries({ user, password, token }).filter(
    ([, value]) => value !== undefined,
  );
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

/** Host and port of `nats://user:password@host:port`. */
function clusterOf(
  { cluster, routes }: Flags,
  file: ServerValues,
): { host: string; port: number } | undefined {
  if (routes && !cluster && file.cluster === undefined) {
    const text = 'solicited routes require cluster capabilities, e.g. --cluster';
    throw new CommandLineError(text);
  }
  if (typeof cluster !== 'string' || cluster === '') return undefined;
  const authority = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/([^/?#]*)/.exec(cluster)?.[1] ?? '';
  const user = /^(.*)@/.exec(authority)?.[1];
  const address = authority.slice(authority.lastIndexOf('@') + 1);
  const [, six, host, port] = /^(?:\[([^\]]*)\]|([^:]*)):(-1|\d+)$/.exec(address) ?? [];
  if (port === undefined) {
    const before = address === '' ? '' : `address ${address}: `;
    throw new CommandLineError(`${before}missing port in address`);
  }
  if (user !== undefined && !user.includes(':')) {
    throw new CommandLineError('expected cluster password to be set');
  }
  return { host: six ?? host ?? '', port: Number(port) };
}

/** A flag of TLS asks for all of it, unless it is switched off. */
function checkTls({ tls, tlsCert, tlsKey, tlsVerify, tlsCaCert }: Flags): void {
  const given = [tls, tlsCert, tlsKey, tlsVerify, tlsCaCert];
  if (tls === false || given.every((flag) => flag === undefined)) return;
  for (const [file, what] of [
    [tlsCert, 'certificate'],
    [tlsKey, 'private key'],
  ]) {
    if (file) continue;
    throw new CommandLineError(`TLS Server ${what} must be present and valid`);
  }
}
