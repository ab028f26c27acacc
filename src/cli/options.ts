// The table of the flags, all of nats-server's in all their spellings, and the help that lists them. A flag is one row
// here, one line of the help, and one line where its value is used. `effect` marks those that nothing here carries out.
// Source: nats-server 2.15.3, server/opts.go, ConfigureOptions; main.go, usageStr.
import type { Effect } from '../config/kinds.ts';
import { ANNOUNCED_VERSION, VERSION } from '../shared/version.ts';
import type { FlagKind, FlagSpec } from './go-flags.ts';

export type FlagName =
  | 'host'
  | 'port'
  | 'serverName'
  | 'pidFile'
  | 'httpPort'
  | 'httpsPort'
  | 'configFile'
  | 'check'
  | 'checkReload'
  | 'signal'
  | 'clientAdvertise'
  | 'portsFileDir'
  | 'logFile'
  | 'logTime'
  | 'logTimeUtc'
  | 'logSizeLimit'
  | 'syslog'
  | 'remoteSyslog'
  | 'debug'
  | 'trace'
  | 'verboseTrace'
  | 'debugAndTrace'
  | 'debugAndVerboseTrace'
  | 'maxTracedMsgLen'
  | 'jetstream'
  | 'storeDir'
  | 'user'
  | 'password'
  | 'token'
  | 'tls'
  | 'tlsCert'
  | 'tlsKey'
  | 'tlsVerify'
  | 'tlsCaCert'
  | 'routes'
  | 'cluster'
  | 'clusterName'
  | 'clusterAdvertise'
  | 'noAdvertise'
  | 'connectRetries'
  | 'profile'
  | 'help'
  | 'helpTls'
  | 'version';

type Row = readonly [spellings: string, kind: FlagKind, effect?: Effect];

/** By our name: the spellings, what it takes, and what becomes of it. The first spelling that is a word is shown. */
const ROWS: Readonly<Record<FlagName, Row>> = {
  host: ['a addr net', 'string'],
  port: ['p port', 'integer'],
  serverName: ['n name server_name', 'string'],
  pidFile: ['P pid', 'string'],
  httpPort: ['m http_port', 'integer'],
  httpsPort: ['ms https_port', 'integer', 'refused'],
  configFile: ['c config', 'string'],
  check: ['t', 'boolean'],
  checkReload: ['test_reload', 'string'],
  signal: ['sl signal', 'string'],
  clientAdvertise: ['client_advertise', 'string'],
  portsFileDir: ['ports_file_dir', 'string'],
  logFile: ['l log', 'string'],
  logTime: ['T logtime', 'boolean'],
  logTimeUtc: ['logtime_utc', 'boolean'],
  logSizeLimit: ['log_size_limit', 'integer'],
  syslog: ['s syslog', 'boolean', 'warned'],
  remoteSyslog: ['r remote_syslog', 'string', 'warned'],
  debug: ['D debug', 'boolean'],
  trace: ['V trace', 'boolean'],
  verboseTrace: ['VV', 'boolean'],
  debugAndTrace: ['DV', 'boolean'],
  debugAndVerboseTrace: ['DVV', 'boolean'],
  maxTracedMsgLen: ['max_traced_msg_len', 'integer'],
  jetstream: ['js jetstream', 'boolean'],
  storeDir: ['sd store_dir', 'string'],
  user: ['user', 'string'],
  password: ['pass', 'string'],
  token: ['auth', 'string'],
  tls: ['tls', 'boolean', 'refused'],
  tlsCert: ['tlscert', 'string', 'refused'],
  tlsKey: ['tlskey', 'string', 'refused'],
  tlsVerify: ['tlsverify', 'boolean', 'refused'],
  tlsCaCert: ['tlscacert', 'string', 'refused'],
  routes: ['routes', 'string', 'warned'],
  cluster: ['cluster cluster_listen', 'string', 'warned'],
  clusterName: ['cluster_name', 'string', 'warned'],
  clusterAdvertise: ['cluster_advertise', 'string', 'warned'],
  noAdvertise: ['no_advertise', 'boolean', 'warned'],
  connectRetries: ['connect_retries', 'integer', 'warned'],
  profile: ['profile', 'integer', 'warned'],
  help: ['h help', 'boolean'],
  helpTls: ['help_tls', 'boolean'],
  version: ['v version', 'boolean'],
};

const rows: readonly (readonly [FlagName, Row])[] = Object.entries(ROWS) as [FlagName, Row][];

export const FLAGS: readonly FlagSpec<FlagName>[] = rows.map(([name, [spellings, kind]]) => ({
  name,
  spellings: spellings.split(' '),
  kind,
  ...(name === 'tlsVerify' ? { also: 'optional' } : {}),
}));

/** What becomes of a flag that nothing here carries out, and the name that it is told by. */
export const EFFECTS: ReadonlyMap<FlagName, { readonly effect: Effect; readonly name: string }> =
  new Map(
    rows.flatMap(([name, [spellings, , effect]]) => {
      const word = spellings.split(' ').find((spelling) => spelling.length > 2) ?? spellings;
      return effect === undefined ? [] : [[name, { effect, name: `--${word}` }]];
    }),
  );

/** The help, for a program of that name. */
export function usage(programName: string): string {
  return HELP.replaceAll('PROGRAM', programName);
}

const HELP = `
Usage: PROGRAM [options]
       PROGRAM bench [options]   Measure the bus in this process, or a server (bench --help)

Ganglion ${VERSION}, with the behaviour of nats-server ${ANNOUNCED_VERSION}. A server that is asked for what is marked
(no) does not start, since it would be open or plain; what is marked (-) is accepted and does nothing.

Server Options:
    -a, --addr, --net <host>         Bind to host address (default: 0.0.0.0)
    -p, --port <port>                Use port for clients (default: 4222; -1: a free one)
    -n, --name
        --server_name <server_name>  Server name (default: auto)
    -P, --pid <file>                 File to store PID
    -m, --http_port <port>           Use port for http monitoring (-1: a free one)
    -ms,--https_port <port>          Use port for https monitoring (no)
    -c, --config <file>              Configuration file
    -t                               Test configuration and exit
        --test_reload <file>         With -t, test whether this configuration file can be reloaded
                                     (exit code 3 if a restart is required)
    -sl,--signal <signal>=<pid>      Send signal to a server process (ldm, stop, quit, term, reopen, reload)
                                     <pid> can be either a PID (e.g. 1) or the path to a PID file
        --client_advertise <string>  Client URL to advertise to other servers
        --ports_file_dir <dir>       Creates a ports file in the specified directory (nats-server_<pid>.ports)

Logging Options:
    -l, --log <file>                 File to redirect log output
    -T, --logtime                    Timestamp log entries (default: true)
        --logtime_utc                Timestamps in UTC instead of local timezone (default: false)
    -s, --syslog                     Log to syslog (-)
    -r, --remote_syslog <addr>       Syslog server addr (-)
    -D, --debug                      Enable debugging output
    -V, --trace                      Trace the raw protocol
    -VV                              Verbose trace
    -DV                              Debug and trace
    -DVV                             Debug and verbose trace
        --log_size_limit <limit>     Logfile size at which another one is begun (default: none)
        --max_traced_msg_len <len>   Maximum printable length for traced messages

JetStream Options:
    -js, --jetstream                 Enable JetStream functionality
    -sd, --store_dir <dir>           Set the storage directory; streams lie in "ganglion" in it
                                     (default: nats in the directory for temporary files)

Authorization Options:
        --user <user>                User required for connections
        --pass <password>            Password required for connections
        --auth <token>               Authorization token required for connections

TLS Options:
        --tls                        Enable TLS, do not verify clients (no)
        --tlscert <file>             Server certificate file (no)
        --tlskey <file>              Private key for server certificate (no)
        --tlsverify                  Enable TLS, verify client certificates: true, false or optional (no)
        --tlscacert <file>           Client certificate CA for verification (no)

Cluster Options:
        --routes <rurl-1, rurl-2>    Routes to solicit and connect (-)
        --cluster <cluster-url>      Cluster URL for solicited routes (-)
        --cluster_listen <url>       Cluster url from which members can solicit routes (-)
        --cluster_name <string>      Cluster Name (-)
        --cluster_advertise <string> Cluster URL to advertise to other servers (-)
        --no_advertise <bool>        Do not advertise known cluster information to clients (-)
        --connect_retries <number>   For implicit routes, number of connect retries (-)

Profiling Options:
        --profile <port>             Profiling HTTP port (-)

Common Options:
    -h, --help                       Show this message
    -v, --version                    Show version
        --help_tls                   TLS help

`;

/** The help about TLS. */
export const TLS_USAGE = `
TLS is not supported yet: a tls block of a configuration file is checked by -t, and a server that is asked for TLS by a
file or a flag does not start.
`;
