// Runs a case of the in-process bench in a worker of its own, as a program that does only this: in one thread the
// cases would spoil each other's compiled code. The worker loads this very file, whichever bundle it is in.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { toError } from '../../shared/errors.ts';
import { type Effort, type Lane, measure } from './contender.ts';
import { IN_PROCESS_CASES } from './in-process-cases.ts';

/** What the worker is given; the name of the property tells it from workers of other programs. */
interface Order {
  readonly ganglionBench: { readonly name: string; readonly effort: Effort };
}

type Report =
  | { readonly round: number }
  | { readonly lanes: readonly Lane[] }
  | { readonly failure: string };

/** Measures the case of that name. Rejects when it fails. */
export function measureInWorker(
  name: string,
  effort: Effort,
  onRound: (round: number) => void,
): Promise<readonly Lane[]> {
  const order: Order = { ganglionBench: { name, effort } };
  const worker = new Worker(new URL(import.meta.url), { workerData: order });
  return new Promise((resolve, reject) => {
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`${name}: the worker ended with ${code}`)));
    worker.on('message', (report: Report) => {
      if ('round' in report) onRound(report.round);
      else if ('lanes' in report) resolve(report.lanes);
      else reject(new Error(`${name}: ${report.failure}`));
    });
  });
}

async function work({ name, effort }: Order['ganglionBench']): Promise<Report> {
  try {
    const found = IN_PROCESS_CASES.find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error('there is no such case');
    return { lanes: await measure(found.open(), effort, (round) => report({ round })) };
  } catch (error) {
    return { failure: toError(error).message };
  }
}

function report(message: Report): void {
  parentPort?.postMessage(message);
}

const order = isMainThread ? undefined : (workerData as Partial<Order> | null)?.ganglionBench;
if (order !== undefined) void work(order).then(report);
