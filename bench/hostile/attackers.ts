// The attackers of one case: a program of its own, so that what they cost is not taken from the pair's time, and
// ended from outside, as a peer may vanish at any moment. It is started before it is needed, because starting a
// program takes a core, begins at the parent's word, and tells of its progress every so often.
import { attack, type Plan } from './attack.ts';
import { Field } from './field.ts';

/** The one word of the command line, as JSON. */
export interface Order {
  readonly plan: Plan;
  readonly port: number;
  readonly monitorPort: number | undefined;
}

const TELL_MS = 50;

const order = JSON.parse(process.argv[2] ?? '{}') as Order;
const field = new Field({ clients: order.port, monitoring: order.monitorPort });
const tell = (): void => {
  process.send?.(field.progress);
};
process.on('disconnect', () => process.exit());
process.once('message', () => {
  setInterval(tell, TELL_MS);
  attack(field, order.plan).catch((cause: unknown) => {
    field.progress.problem = cause instanceof Error ? cause.message : String(cause);
    tell();
  });
});
