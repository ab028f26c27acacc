// What is told of streams and consumers on subjects of their own, if somebody listens; nothing is made otherwise.
// Source: nats-server 2.15.3, server/jetstream_events.go, publishAdvisory.
import type { BusInternals } from '../bus/internals.ts';
import type { Clock } from '../shared/clock.ts';
import { goJson } from '../shared/go-json.ts';
import { nuid } from '../shared/nuid.ts';
import { rfc3339Nano } from '../shared/time.ts';
import type { Outbox } from './outbox.ts';

/** What differs by account. */
export interface AdvisoryScene {
  readonly door: BusInternals;
  readonly clock: Clock;
  readonly domain: string | undefined;
}

/**
 * Publishes an advisory. `kind` is the end of its subject, as in `STREAM.CREATED.ORDERS`, `type` that of its type;
 * those of the kind `METRIC.…` are metrics.
 */
export function advise(
  { door, clock, domain }: AdvisoryScene,
  outbox: Outbox,
  kind: string,
  type: string,
  fields: () => object,
): void {
  const isMetric = kind.startsWith('METRIC.');
  const subject = `$JS.EVENT.${isMetric ? kind : `ADVISORY.${kind}`}`;
  if (!door.hasInterest(subject)) return;
  const json = goJson(
    {
      type: `io.nats.jetstream.${isMetric ? 'metric' : 'advisory'}.v1.${type}`,
      id: nuid(),
      timestamp: rfc3339Nano(clock.now()),
      ...fields(),
      ...(domain !== undefined && { domain }),
    },
    0,
  );
  outbox.send({ to: encoder.encode(subject), payload: encoder.encode(json) });
}

const encoder = new TextEncoder();
