// A router as a program in plain JavaScript usually is: strings, Maps, objects and Buffers. It parses bytes, but
// names what it found by a string; a Map from subject to route is its cache, and a route has the head of each
// frame ready. It speaks PUB and SUB.

import { type Router, SESSIONS } from './router.ts';

const CACHED_MAX = 16_384;
const CR = 13;
const SPACE = 32;

interface Session {
  bytes: Buffer;
  length: number;
}

interface Sub {
  readonly session: Session;
  readonly sid: string;
}

/** One recipient of a subject: where its frames go, and how they begin. */
interface Target {
  readonly session: Session;
  readonly head: Buffer;
}

interface Route {
  readonly plain: readonly Target[];
  readonly groups: readonly (readonly Target[])[];
}

class Node {
  plain: Sub[] | undefined;
  groups: Map<string, Sub[]> | undefined;
  children: Map<string, Node> | undefined;
  /** Children by the wildcards. */
  one: Node | undefined;
  rest: Node | undefined;

  child(token: string): Node {
    if (token === '*') {
      this.one ??= new Node();
      return this.one;
    }
    if (token === '>') {
      this.rest ??= new Node();
      return this.rest;
    }
    this.children ??= new Map();
    let found = this.children.get(token);
    if (found === undefined) {
      found = new Node();
      this.children.set(token, found);
    }
    return found;
  }

  add(sub: Sub, queue: string | undefined): void {
    if (queue === undefined) {
      this.plain ??= [];
      this.plain.push(sub);
      return;
    }
    this.groups ??= new Map();
    const group = this.groups.get(queue);
    if (group === undefined) this.groups.set(queue, [sub]);
    else group.push(sub);
  }
}

export class PlainRouter implements Router {
  readonly name = 'JS, usual style';
  readonly isOurs = false;
  readonly #root = new Node();
  readonly #routes = new Map<string, Route>();
  readonly #sessions: readonly Session[] = Array.from({ length: SESSIONS }, () => {
    return { bytes: Buffer.allocUnsafeSlow(4096), length: 0 };
  });
  readonly #waiting = new Set<Session>();
  #read: Buffer = Buffer.alloc(0);
  #placed: readonly Buffer[] = [];

  say(session: number, text: string): void {
    for (const line of text.split('\r\n').slice(0, -1)) {
      const [, filter = '', ...rest] = line.split(' ');
      const sub = { session: this.#sessions[session]!, sid: rest.at(-1)! };
      let node = this.#root;
      for (const token of filter.split('.')) node = node.child(token);
      node.add(sub, rest.length === 1 ? undefined : rest[0]!);
    }
    this.#routes.clear();
  }

  load(bytes: Uint8Array): void {
    this.#read = Buffer.from(bytes);
  }

  route(): number {
    this.#readOps(true);
    let sent = 0;
    for (const session of this.#waiting) {
      sent += session.bytes.subarray(0, session.length).length;
      session.length = 0;
    }
    this.#waiting.clear();
    return sent;
  }

  parse(): number {
    return this.#readOps(false);
  }

  #readOps(isRouting: boolean): number {
    const read = this.#read;
    let count = 0;
    for (let at = 0; at < read.length; count += 1) {
      if (read[at] !== 80 || read[at + 1] !== 85 || read[at + 2] !== 66) throw new Error('no PUB');
      const subjectEnd = read.indexOf(SPACE, at + 4);
      let lineEnd = subjectEnd + 1;
      let size = 0;
      for (; read[lineEnd] !== CR; lineEnd += 1) {
        size = read[lineEnd] === SPACE ? 0 : size * 10 + read[lineEnd]! - 48;
      }
      const end = lineEnd + 4 + size;
      const subject = read.toString('latin1', at + 4, subjectEnd);
      if (isRouting) this.#publish(subject, subjectEnd + 1, end);
      at = end;
    }
    return count;
  }

  #publish(subject: string, start: number, end: number): void {
    const { plain, groups } = this.#routeOf(subject);
    for (const target of plain) this.#write(target, start, end);
    for (const group of groups) {
      this.#write(group[Math.floor(Math.random() * group.length)]!, start, end);
    }
  }

  #write({ session, head }: Target, start: number, end: number): void {
    const length = session.length + head.length + end - start;
    if (length > session.bytes.length) {
      const wider = Buffer.allocUnsafeSlow(length * 2);
      session.bytes.copy(wider, 0, 0, session.length);
      session.bytes = wider;
    }
    head.copy(session.bytes, session.length);
    this.#read.copy(session.bytes, session.length + head.length, start, end);
    session.length = length;
    this.#waiting.add(session);
  }

  #routeOf(subject: string): Route {
    const known = this.#routes.get(subject);
    if (known !== undefined) return known;
    const nodes = this.#nodesOf(subject);
    const groups = new Map<string, Target[]>();
    const toTarget = ({ session, sid }: Sub): Target => {
      return { session, head: Buffer.from(`MSG ${subject} ${sid} `, 'latin1') };
    };
    for (const node of nodes) {
      for (const [name, subs] of node.groups ?? []) {
        groups.set(name, [...(groups.get(name) ?? []), ...subs.map(toTarget)]);
      }
    }
    const plain = nodes.flatMap((node) => (node.plain ?? []).map(toTarget));
    const route = { plain, groups: [...groups.values()] };
    if (this.#routes.size === CACHED_MAX) this.#routes.clear();
    this.#routes.set(subject, route);
    return route;
  }

  #nodesOf(subject: string): readonly Node[] {
    const found: Node[] = [];
    walk(this.#root, subject, 0, found);
    return found;
  }

  place(subjects: readonly string[]): void {
    this.#placed = subjects.map((subject) => Buffer.from(subject, 'latin1'));
  }

  match(start: number, end: number): number {
    let count = 0;
    for (let index = start; index < end; index += 1) {
      const bytes = this.#placed[index]!;
      if (this.#nodesOf(bytes.toString('latin1')).length > 0) count += 1;
    }
    return count;
  }

  lookUp(start: number, end: number): number {
    let count = 0;
    for (let index = start; index < end; index += 1) {
      const bytes = this.#placed[index]!;
      if (this.#routeOf(bytes.toString('latin1')).plain.length > 0) count += 1;
    }
    return count;
  }
}

function walk(start: Node, subject: string, from: number, found: Node[]): void {
  let node = start;
  for (let at = from; at <= subject.length; ) {
    if (node.rest !== undefined) found.push(node.rest);
    const dot = subject.indexOf('.', at);
    const end = dot < 0 ? subject.length : dot;
    if (node.one !== undefined) walk(node.one, subject, end + 1, found);
    const next = node.children?.get(subject.slice(at, end));
    if (next === undefined) return;
    node = next;
    at = end + 1;
  }
  if (node.plain !== undefined || node.groups !== undefined) found.push(node);
}
