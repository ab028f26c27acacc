// A network namespace with nothing but a loopback of its own, so that programs which insist on localhost:4222
// and 8222 neither meet a server of this machine nor each other. It lives as long as the process that holds
// it, and leaves no name behind.
import { runChild, startChild } from './child.ts';

export interface Namespace {
  /** Put before a command line, it runs the command inside. */
  readonly prefix: readonly string[];
  close(): Promise<void>;
}

const HOLD = ['-n', 'sh', '-c', 'ip link set lo up && echo ready && exec cat'];

/** Whether this user and machine can make one. */
export async function canEnterNamespace(): Promise<boolean> {
  const held = await runChild('unshare', HOLD);
  if (held.code !== 0 || !held.stdout.includes('ready')) return false;
  return (await runChild('nsenter', ['--version'])).code === 0;
}

/** Makes a namespace; closing it ends the holder, not what still runs inside. */
export async function openNamespace(): Promise<Namespace> {
  const holder = startChild('unshare', HOLD);
  await holder.line(/^ready$/);
  return {
    prefix: ['nsenter', '-t', String(holder.pid), '-n', '--'],
    close: async () => {
      await holder.close();
    },
  };
}
