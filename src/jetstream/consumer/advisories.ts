// What a consumer tells whoever listens: of messages that are given up, refused or delivered too often, and by a metric of
// acks.
// Source: nats-server 2.15.3, server/jetstream_events.go.
import { NANOS_PER_MS } from '../../shared/time.ts';
import type { AckPlace } from './ack-subject.ts';
import type { ConsumerHost } from './host.ts';

/** The reason that goes with a message that has left the stream before its ack. */
export const DELETED_UNACKED = 'Unacknowledged message was deleted';

export class Advisories {
  readonly #host: ConsumerHost;
  readonly #stream: string;
  readonly #consumer: string;

  constructor(host: ConsumerHost, consumer: string) {
    this.#host = host;
    this.#stream = host.config.name;
    this.#consumer = consumer;
  }

  /** @param deliveries how often it was delivered */
  exhausted(streamSeq: number, deliveries: number): void {
    const fields = (): object => ({ stream_seq: streamSeq, deliveries });
    this.#advise('MAX_DELIVERIES', 'max_deliver', fields);
  }

  refused(place: Readonly<AckPlace>): void {
    this.#advise('MSG_NAKED', 'nak', () => ofPlace(place));
  }

  terminated(place: Readonly<AckPlace>, reason: string): void {
    const fields = (): object => ({
      ...ofPlace(place),
      ...(reason === '' ? undefined : { reason }),
    });
    this.#advise('MSG_TERMINATED', 'terminated', fields);
  }

  /** @param tookMs between the delivery and its ack */
  acknowledged(place: Readonly<AckPlace>, tookMs: number): void {
    const { deliveries, ...seqs } = ofPlace(place);
    const ackTime = Math.round(tookMs * NANOS_PER_MS);
    this.#host.measure(`CONSUMER.ACK.${this.#stream}.${this.#consumer}`, 'consumer_ack', () => ({
      ...this.#names,
      ...seqs,
      ack_time: ackTime,
      deliveries,
    }));
  }

  get #names(): object {
    return { stream: this.#stream, consumer: this.#consumer };
  }

  #advise(event: string, type: string, fields: () => object): void {
    const kind = `CONSUMER.${event}.${this.#stream}.${this.#consumer}`;
    this.#host.advise(kind, type, () => ({ ...this.#names, ...fields() }));
  }
}

/** What an ack says of itself may be no number. */
function ofPlace({ consumerSeq, streamSeq, deliveries }: Readonly<AckPlace>) {
  return {
    consumer_seq: finite(consumerSeq),
    stream_seq: finite(streamSeq),
    deliveries: finite(deliveries),
  };
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
