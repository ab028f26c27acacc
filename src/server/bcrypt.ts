// Passwords compared with hashes of bcrypt, in a thread of their own: one takes 200 ms of a processor, and would hold
// up everything else. They wait in a queue that is fair by address: who has asked least often without being right is next,
// so that those who guess, from however many addresses, keep nobody waiting but each other; the same question of several
// is asked once. The module is loaded with the first one.
import { Worker } from 'node:worker_threads';
import { type Clock, systemClock } from '../shared/clock.ts';
import { FairQueue } from '../shared/fair-queue.ts';

/** Who asks. */
export interface Asker {
  /** Those of one lane wait for each other. */
  readonly lane: string;
  /** Aborted when the answer is not waited for any more. */
  readonly signal: AbortSignal;
}

interface Question {
  /** The same for the same hash and password. */
  readonly mark: string;
  readonly hash: string;
  readonly password: string;
}

interface Task extends Question {
  readonly lanes: Set<string>;
  readonly waiting: Set<Waiting>;
}

interface Waiting {
  resolve(isSame: boolean): void;
  reject(error: Error): void;
}

/** Lanes whose questions are counted; beyond it the count begins anew, */
const COUNTED_MAX = 10_000;
/** and when nothing was asked for so long: who guesses has the next one ready as soon as he is refused. */
const FORGET_MS = 1000;

export class HashComparer {
  readonly #onSame: (mark: string, hash: string) => void;
  readonly #queue = new FairQueue<Task>();
  readonly #tasks = new Map<string, Task>();
  readonly #clock: Clock;
  /** How much each lane has asked since it was right, or since the count began. */
  readonly #asked = new Map<string, number>();
  /** When there was nothing more to do. */
  #idleMs = 0;
  /** Not 0: what is under way is compared without rest. The thread reads it. */
  readonly #isHurried = new Int32Array(new SharedArrayBuffer(4));
  #underWay: Task | undefined;
  #worker: Promise<Worker> | undefined;
  #isClosed = false;

  /** @param onSame told of each password that was right, also when nobody waits for that any more */
  constructor(onSame: (mark: string, hash: string) => void, clock: Clock = systemClock) {
    this.#onSame = onSame;
    this.#clock = clock;
  }

  /** False when it is not the same, or `signal` is aborted. Rejects when the thread has failed. */
  compare(question: Question, { lane, signal }: Asker): Promise<boolean> {
    if (signal.aborted || this.#isClosed) return Promise.resolve(false);
    const task = this.#tasks.get(question.mark) ?? this.#open(question);
    if (!task.lanes.has(lane)) {
      task.lanes.add(lane);
      this.#count(lane);
      if (this.#isNew(lane)) this.#hurry(true);
      if (task !== this.#underWay) this.#queue.add(lane, task);
    }
    const answer = new Promise<boolean>((resolve, reject) => {
      const waiting = { resolve, reject };
      task.waiting.add(waiting);
      const leave = (): void => {
        resolve(false);
        if (task.waiting.delete(waiting) && task.waiting.size === 0) this.#forget(task);
      };
      signal.addEventListener('abort', leave, { once: true });
    });
    this.#next();
    return answer;
  }

  /** Whoever waits hears no. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const task of this.#tasks.values()) this.#answer(task, false);
    const worker = await this.#worker?.catch(() => undefined);
    await worker?.terminate();
  }

  #open(question: Question): Task {
    const task = { ...question, lanes: new Set<string>(), waiting: new Set<Waiting>() };
    this.#tasks.set(question.mark, task);
    return task;
  }

  /** Nobody waits for it: it is not begun. What is under way is finished. */
  #forget(task: Task): void {
    if (task === this.#underWay) return;
    this.#tasks.delete(task.mark);
    for (const lane of task.lanes) this.#queue.delete(lane, task);
  }

  #next(): void {
    if (this.#underWay !== undefined || this.#isClosed) return;
    const first = this.#first();
    const task = this.#queue.take((lane) => lane === first);
    if (task === undefined) {
      this.#idleMs = this.#clock.monotonic();
      return;
    }
    const lanes = [...task.lanes];
    for (const lane of lanes) this.#queue.delete(lane, task);
    // Who asks again and again does not get a processor for it, unless somebody waits for what is under way.
    this.#hurry(lanes.some((lane) => this.#isNew(lane)));
    this.#underWay = task;
    this.#worker ??= this.#start();
    this.#worker.then(
      (worker) => worker.postMessage([task.hash, task.password]),
      (error: Error) => this.#failed(error),
    );
  }

  #count(lane: string): void {
    if (this.#asked.size >= COUNTED_MAX || this.#isRested) this.#asked.clear();
    this.#asked.set(lane, this.#askedBy(lane) + 1);
  }

  get #isRested(): boolean {
    const isIdle = this.#underWay === undefined && this.#queue.size === 0;
    return isIdle && this.#clock.monotonic() - this.#idleMs >= FORGET_MS;
  }

  #isNew(lane: string): boolean {
    return this.#askedBy(lane) <= 1;
  }

  #hurry(isHurried: boolean): void {
    Atomics.store(this.#isHurried, 0, Number(isHurried));
    Atomics.notify(this.#isHurried, 0);
  }

  #askedBy(lane: string): number {
    return this.#asked.get(lane) ?? 0;
  }

  /** The lane that is next. Of those that have asked as often, it is the one whose turn it is. */
  #first(): string | undefined {
    let first: string | undefined;
    for (const lane of this.#queue.lanes()) {
      if (first === undefined || this.#askedBy(lane) < this.#askedBy(first)) first = lane;
    }
    return first;
  }

  async #start(): Promise<Worker> {
    const { workerText } = await import('./bcrypt-worker.generated.ts');
    const workerData = this.#isHurried;
    const worker = new Worker(workerText, { eval: true, execArgv: [], env: {}, workerData });
    worker.unref();
    worker.on('message', (isSame: boolean) => this.#done(isSame));
    worker.on('error', (error) => this.#failed(error));
    return worker;
  }

  #done(isSame: boolean): void {
    const task = this.#underWay;
    if (task === undefined) return;
    this.#underWay = undefined;
    if (isSame) {
      this.#onSame(task.mark, task.hash);
      for (const lane of task.lanes) this.#asked.delete(lane);
    }
    this.#answer(task, isSame);
    this.#next();
  }

  /** The thread has ended; the next question gets another one. */
  #failed(error: Error): void {
    const task = this.#underWay;
    this.#underWay = undefined;
    this.#worker = undefined;
    if (task !== undefined) {
      this.#tasks.delete(task.mark);
      for (const { reject } of task.waiting) reject(error);
      task.waiting.clear();
    }
    this.#next();
  }

  #answer(task: Task, isSame: boolean): void {
    this.#tasks.delete(task.mark);
    for (const { resolve } of task.waiting) resolve(isSame);
    task.waiting.clear();
  }
}
