// `--signal`: one server process is sent what its name stands for.
// Source: nats-server 2.15.3, server/opts.go, processSignal; server/signal.go, ProcessSignal.

import { contentOf } from '../server/files.ts';
import { quoteGoText } from '../shared/go-quote.ts';

const SIGNALS: Readonly<Record<string, NodeJS.Signals>> = {
  stop: 'SIGKILL',
  quit: 'SIGINT',
  reopen: 'SIGUSR1',
  reload: 'SIGHUP',
  ldm: 'SIGUSR2',
  term: 'SIGTERM',
};

const REASONS: Readonly<Record<string, string>> = {
  ESRCH: 'no such process',
  EPERM: 'operation not permitted',
};

const PID_MAX = 2 ** 31 - 1;

/**
 * Sends what `ldm=123` or `ldm=/run/server.pid` says. Returns why it could not, in the original's words. Without a
 * number the original looks for a process by its name, which here is Node's.
 */
export function sendSignal(text: string): string | undefined {
  const [command = '', target, ...rest] = text.split('=');
  if (rest.length > 0) return `invalid signal parameters: [${rest.join(' ')}]`;
  // A file of that name has the number, else it is the name itself.
  const pid = target === undefined ? '' : (contentOf(target) ?? target);
  const number = pid.replace(/\*$/, '');
  if (number !== '' && !isProcess(number)) return `invalid pid: ${number}`;
  if (pid === '' || pid.endsWith('*')) return 'unable to resolve pid, try providing one';
  const signal = Object.hasOwn(SIGNALS, command) ? SIGNALS[command] : undefined;
  if (signal === undefined) return `unknown signal ${quoteGoText(command)}`;
  try {
    process.kill(Number(pid), signal);
    return undefined;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return `\nsignal ${quoteGoText(command)} ${Number(pid)}: ${REASONS[code] ?? message}`;
  }
}

/** To the system 0 is a group of processes, and so is what is negative or becomes so in 32 bits; -1 is all of them. */
function isProcess(text: string): boolean {
  return /^\+?\d+$/.test(text) && Number(text) > 0 && Number(text) <= PID_MAX;
}
