// Programs that are started with a group of processes of their own, so that whatever they have started ends with them: a
// runner of tests that is told to end leaves those processes behind in which tests are.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as after } from 'node:timers/promises';

/** Windows has no groups: there a program ends alone. */
const hasGroups = process.platform !== 'win32';
/** So long it may take to end by itself, and then to be gone. */
const END_MS = 2000;
const LOOK_MS = 20;

const groups = new Set();

export class ProcessGroup {
  /** The program, a Node.js. It has no input: what is typed belongs to another group. */
  child;

  constructor(args, { cwd, stdio }) {
    const options = { cwd, stdio: ['ignore', stdio, stdio], detached: hasGroups };
    this.child = spawn(process.execPath, args, options);
    groups.add(this);
  }

  /** False: nobody is there. */
  signal(name) {
    const { pid, exitCode, signalCode } = this.child;
    if (pid === undefined) return false;
    if (!hasGroups) return exitCode === null && signalCode === null && this.child.kill(name);
    try {
      return process.kill(-pid, name);
    } catch {
      return false;
    }
  }

  /** Ends all of its processes: none is left when this resolves. */
  async end() {
    for (const name of ['SIGTERM', 'SIGKILL']) {
      this.signal(name);
      for (let waited = 0; this.#isLeft() && waited < END_MS; waited += LOOK_MS)
        await after(LOOK_MS);
    }
    groups.delete(this);
  }

  #isLeft() {
    return this.signal(0) && (!hasGroups || isLiving(this.child.pid));
  }
}

/** Whether one of a group is no zombie, which stays until its parent asks for it: that may be never. */
function isLiving(group) {
  let processes;
  try {
    processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return true; // Only Linux has it.
  }
  return processes.some((name) => {
    try {
      // 1 (name) state parent group …
      const text = readFileSync(`/proc/${name}/stat`, 'latin1');
      const [state, , of] = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return Number(of) === group && state !== 'Z' && state !== 'X';
    } catch {
      return false; // It has ended meanwhile.
    }
  });
}

/** Ends all groups. */
export function endAll() {
  return Promise.all(Array.from(groups, (group) => group.end()));
}

/** From now on the groups end when this process does, also by a signal; at the second one at once. */
export function endWithThis() {
  let isEnding = false;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    const exit = () => process.exit(128 + constants.signals[name]);
    process.on(name, () => {
      if (isEnding) exit();
      isEnding = true;
      endAll().then(exit);
    });
  }
  process.on('exit', () => {
    for (const group of groups) group.signal('SIGKILL');
  });
}
