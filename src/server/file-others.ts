// What a file, with flags over it, says beyond the options of `serve`: nothing here carries it out, or it is of the log.
// A reload has to know whether it changes. Texts by nats-server's names, without what may be secret: of whole blocks
// there is a digest.
// Source: nats-server 2.15.3, server/opts.go, Options.
import type { ServerValues } from '../config/keys-server.ts';
import { cryptography } from './cryptography.ts';

type Texts = Readonly<Record<string, string>>;

/** What is not of the log. What is not said is not there. */
export function othersOf(values: ServerValues): Texts {
  const { cluster, leafnodes, writeTimeout } = values;
  return said({
    NoSublistCache: values.noSublistCache,
    SystemAccount: values.systemAccount,
    NoSystemAccount: values.noSystemAccount,
    HTTPBasePath: values.httpBasePath,
    NoFastProducerStall: values.noFastProducerStall,
    'cluster host': cluster && hostOf(cluster),
    'cluster port': cluster && (cluster.port ?? cluster.listen?.port ?? 0),
    Cluster: digest(cluster),
    Gateway: digest(values.gateway),
    LeafNode: digest(leafnodes && fixedOf(leafnodes)),
    JsAccDefaultDomain: goMap(values.defaultJsDomain),
    MQTT: digest(values.mqtt),
    ProfPort: values.profPort,
    ProfBlockRate: values.profBlockRate,
    AllowNonTLS: values.allowNonTls,
    WriteTimeout: writeTimeout === 'default' ? undefined : writeTimeout,
    ConnectErrorReports: values.connectErrorReports,
    ReconnectErrorReports: values.reconnectErrorReports,
    FeatureFlags: goMap(values.featureFlags),
    OCSPConfig: digest(values.ocsp),
    OCSPCacheConfig: digest(values.ocspCache),
  });
}

/** What is of the log, which is the command's own. */
export function logTextsOf(values: ServerValues): Texts {
  return said({
    Trace: values.trace,
    Debug: values.debug,
    TraceVerbose: values.traceVerbose,
    TraceHeaders: values.traceHeaders,
    Logtime: values.logTime,
    LogtimeUTC: values.logTimeUtc,
    LogFile: values.logFile,
    LogSizeLimit: values.logSizeLimit,
    LogMaxFiles: values.logMaxNum,
    Syslog: values.syslog,
    RemoteSyslog: values.remoteSyslog,
    MaxTracedMsgLen: values.maxTracedMsgLen,
  });
}

function said(values: Readonly<Record<string, string | number | boolean | undefined>>): Texts {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  );
}

function hostOf({ host, listen }: NonNullable<ServerValues['cluster']>): string {
  return (host ?? listen?.host) || '0.0.0.0';
}

/** Without what the options have, and what the original changes while it runs. */
function fixedOf(leafnodes: NonNullable<ServerValues['leafnodes']>): object {
  const { host, port, listen, compression, remotes, tls, ...others } = leafnodes;
  return others;
}

/** As Go prints it. */
function goMap(map: ReadonlyMap<string, unknown> | undefined): string | undefined {
  const entries = [...(map ?? [])].map(([key, value]) => `${key}:${value}`);
  return map && `map[${entries.sort().join(' ')}]`;
}

function digest(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const plain = JSON.stringify(value, (_key, inner) =>
    inner instanceof Map ? [...inner].sort() : inner,
  );
  if (plain === '{}') return undefined;
  return cryptography().createHash('sha256').update(plain).digest('hex');
}
