// The table of the flags that this program knows, under nats-server's names, and the help that lists them.
// A flag is one row here, one line of the help, and one line where its value is used.
// Source: nats-server 1787eee, server/opts.go, ConfigureOptions; main.go, usageStr.
import type { FlagSpec } from './go-flags.ts';

export type FlagName =
  | 'debug'
  | 'debugAndTrace'
  | 'debugAndVerboseTrace'
  | 'help'
  | 'host'
  | 'httpPort'
  | 'logFile'
  | 'logTime'
  | 'logTimeUtc'
  | 'pidFile'
  | 'port'
  | 'portsFileDir'
  | 'serverName'
  | 'trace'
  | 'verboseTrace'
  | 'version';

export const FLAGS: readonly FlagSpec<FlagName>[] = [
  { name: 'host', spellings: ['a', 'addr', 'net'], kind: 'string' },
  { name: 'port', spellings: ['p', 'port'], kind: 'integer' },
  { name: 'serverName', spellings: ['n', 'name', 'server_name'], kind: 'string' },
  { name: 'pidFile', spellings: ['P', 'pid'], kind: 'string' },
  { name: 'httpPort', spellings: ['m', 'http_port'], kind: 'integer' },
  { name: 'portsFileDir', spellings: ['ports_file_dir'], kind: 'string' },
  { name: 'logFile', spellings: ['l', 'log'], kind: 'string' },
  { name: 'logTime', spellings: ['T', 'logtime'], kind: 'boolean' },
  { name: 'logTimeUtc', spellings: ['logtime_utc'], kind: 'boolean' },
  { name: 'debug', spellings: ['D', 'debug'], kind: 'boolean' },
  { name: 'trace', spellings: ['V', 'trace'], kind: 'boolean' },
  { name: 'verboseTrace', spellings: ['VV'], kind: 'boolean' },
  { name: 'debugAndTrace', spellings: ['DV'], kind: 'boolean' },
  { name: 'debugAndVerboseTrace', spellings: ['DVV'], kind: 'boolean' },
  { name: 'help', spellings: ['h', 'help'], kind: 'boolean' },
  { name: 'version', spellings: ['v', 'version'], kind: 'boolean' },
];

/** The help, for a program of that name. */
export function usage(programName: string): string {
  return `
Usage: ${programName} [options]
       ${programName} bench [options]   Measure the bus in this process, or a server (bench --help)

Server Options:
    -a, --addr, --net <host>         Bind to host address (default: 0.0.0.0)
    -p, --port <port>                Use port for clients (default: 4222; -1: a free one)
    -n, --name
        --server_name <server_name>  Server name (default: auto)
    -P, --pid <file>                 File to store PID
    -m, --http_port <port>           Use port for http monitoring (-1: a free one)
        --ports_file_dir <dir>       Creates a ports file in the specified directory (<executable_name>_<pid>.ports).

Logging Options:
    -l, --log <file>                 File to redirect log output
    -T, --logtime                    Timestamp log entries (default: true)
        --logtime_utc                Timestamps in UTC instead of local timezone (default: false)
    -D, --debug                      Enable debugging output
    -V, --trace                      Trace the raw protocol
    -VV                              Verbose trace
    -DV                              Debug and trace
    -DVV                             Debug and verbose trace

Common Options:
    -h, --help                       Show this message
    -v, --version                    Show version

`;
}
