// What of a file may change while the server runs, also of what is not carried out: the same as in nats-server, which is
// asked by --test_reload where it is found; what it prints of structures is ours to say.
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { commandOptions } from '../../src/cli/command-options.ts';
import { type Configured, configure } from '../../src/cli/configure.ts';
import { resolveOptions, type ServeOptions } from '../../src/server/options.ts';
import { changesOf, reloadedSettings } from '../../src/server/reload.ts';
import { Secrets } from '../../src/server/secrets.ts';
import { findReference } from '../reference.ts';
import { useScratch } from '../support/scratch.ts';

const scratch = useScratch('reload-keys');
const reference = findReference();

const LEAF = 'leafnodes { port: 1, host: "127.0.0.1" }';
const WEB = 'websocket { port: 1, no_tls: true }';
const IN_IT = 'something in it would change';

/** A file, the next one, and why that is not taken. */
const REFUSED: readonly [string, string, string][] = [
  ['', 'write_timeout: close', 'WriteTimeout: old=, new=close'],
  ['write_timeout: close', 'write_timeout: default', 'WriteTimeout: old=close, new='],
  ['', 'prof_port: 1', 'ProfPort: old=0, new=1'],
  ['', 'disable_sublist_cache: true', 'NoSublistCache: old=false, new=true'],
  ['', 'default_js_domain { "$G": x }', 'JsAccDefaultDomain: old=map[], new=map[$G:x]'],
  [
    '',
    'feature_flags { js_ack_fc_v2: true }',
    'FeatureFlags: old=map[], new=map[js_ack_fc_v2:true]',
  ],
  ['', 'no_system_account: true', 'NoSystemAccount: old=false, new=true'],
  ['', 'system_account: "$SYS"', 'SystemAccount: old=, new=$SYS'],
  ['', 'http_base_path: x', 'HTTPBasePath: old=, new=x'],
  ['http_base_path: "/x"', 'http_base_path: "/y"', 'HTTPBasePath: old=/x, new=/y'],
  ['', 'allow_non_tls: true', 'AllowNonTLS: old=false, new=true'],
  ['', 'cluster { name: a, port: -1 }', 'cluster host: old=, new=0.0.0.0'],
  ['cluster { name: a, port: 1 }', 'cluster { name: a, port: 2 }', 'cluster port: old=1, new=2'],
  ['', 'gateway { name: a, port: 1 }', `Gateway: ${IN_IT}`],
  [LEAF, LEAF.replace('}', ', advertise: "1.2.3.4:5" }'), `LeafNode: ${IN_IT}`],
  [LEAF, LEAF.replace('}', ', authorization { user: a, password: b } }'), `LeafNode: ${IN_IT}`],
  [WEB, WEB.replace('}', ', advertise: "1.2.3.4:5" }'), 'Websocket: advertise of it would change'],
  [
    WEB,
    WEB.replace('}', ', ping_interval: "7s" }'),
    'Websocket: pingIntervalMs of it would change',
  ],
  ['', 'max_subscriptions: 3\ndisable_sublist_cache: true', 'NoSublistCache: old=false, new=true'],
];

/** The same, and the lines that say what is taken. */
const TAKEN: readonly [string, string, string[]][] = [
  ['', 'trace_verbose: true', ['trace = true', 'trace_verbose = true']],
  ['', 'trace_headers: true', ['trace = true', 'trace_headers = true']],
  ['', 'logtime: false\ndebug: true', ['debug = true', 'logtime = false']],
  ['', 'logtime_utc: true', ['logtime_utc = true']],
  ['', 'log_file: "/tmp/x"', ['log_file = /tmp/x']],
  ['', 'syslog: true', ['syslog = true']],
  ['', 'remote_syslog: "udp://x:1"', ['remote_syslog = udp://x:1']],
  ['', 'connect_error_reports: 7', ['connect_error_reports = 7']],
  ['', 'reconnect_error_reports: 7', ['reconnect_error_reports = 7']],
  ['max_traced_msg_len: 7', '', ['max_traced_msg_len = 0']],
  ['', 'no_fast_producer_stall: true', ['fast producers will not be stalled']],
  ['no_fast_producer_stall: true', '', ['fast producers will be stalled']],
  ['', 'prof_block_rate: 3', ['prof_block_rate = 3']],
  ['cluster { name: a, port: 1 }', 'cluster { name: b, port: 1 }', ['cluster']],
  ['', 'write_timeout: default\nno_system_account: false', []],
  ['server_tags: [a, b]', 'server_tags: [b, a]', ['tags']],
  ['server_tags: [a, b]', 'server_tags: ["A ", b, b]', []],
  ['', 'ocsp: true', ['OCSP']],
  [LEAF, LEAF.replace('}', ', compression: off }'), []],
];

const REFUSAL = 'config reload not supported for ';
const flagsOf = (before: string, after: string) => ({
  configFile: scratch.write(before),
  checkReload: scratch.write(after, 'next.conf'),
});

/** The last line of nats-server, without its place. */
function theirs(before: string, after: string): string {
  const { configFile, checkReload } = flagsOf(before, after);
  const args = ['-t', '-c', configFile, '--test_reload', checkReload];
  try {
    execFileSync(reference as string, args, { stdio: 'pipe' });
    return '';
  } catch (error) {
    return String((error as { stderr: Buffer }).stderr).trim();
  }
}

async function options(text: string): Promise<ServeOptions> {
  const configured = (await configure({ configFile: scratch.write(text) })) as Configured;
  const command = commandOptions(configured);
  if (typeof command === 'string') throw new Error(command);
  return command.options;
}

test.each(REFUSED)('%j, then %j, is refused', async (before, after, reason) => {
  // An empty file is no start.
  const [old, next] = [`ping_max: 2\n${before}`, `ping_max: 2\n${after}`];
  const ending = await configure({ check: true, ...flagsOf(old, next) });
  expect(ending).toEqual({ status: 3, lines: [`${REFUSAL}${reason}`] });
  if (reference === undefined) return;
  const shown = reason.replace(/(Gateway|LeafNode|Websocket).*/, '$1');
  expect(theirs(old, next)).toContain(`${REFUSAL}${shown}`);
});

test.each(TAKEN)('%j, then %j, is taken', async (before, after, lines) => {
  const [old, next] = [`ping_max: 2\n${before}`, `ping_max: 2\n${after}`];
  const secrets = new Secrets();
  const running = resolveOptions(await options(old), secrets);
  const said = changesOf(running, reloadedSettings(await options(next), running, secrets));
  const always = ['authorization users', 'accounts'];
  expect(said.map((line) => line.replace('Reloaded: ', '')).toSorted()).toEqual(
    [...always, ...lines].toSorted(),
  );
  if (reference !== undefined) expect(theirs(old, next)).toBe('');
});

test('an address that clients are told is said to be taken as nats-server says it', async () => {
  const secrets = new Secrets();
  const running = resolveOptions(await options('port: 1'), secrets);
  const next = await options('port: 1\nclient_advertise: "1.2.3.4"');
  expect(changesOf(running, reloadedSettings(next, running, secrets))[0]).toBe(
    'Reload: client_advertise = 1.2.3.4',
  );
});
