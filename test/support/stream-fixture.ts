// Streams with everything that the directory of a stream has in its format: configurations with all that they may say, and
// consumers of each kind that wait for acks, have given up, were reset and were deleted.
import type { KeptJetStream } from './kept-jetstream.ts';

/** Where the places of tests lie on their disks. */
export const FIXTURE_DIR = '/js';
const DAY = 86_400e9;

/** Makes them, and what was done with them. */
export async function makeStreams(bed: KeptJetStream): Promise<void> {
  await bed.stream('limits', ['l.>', 'm.*'], {
    storage: 'file',
    description: 'a "stream" <of> messages',
    max_msgs: 100,
    max_msgs_per_subject: 3,
    max_bytes: 1_000_000,
    max_age: DAY,
    duplicate_window: 60e9,
    first_seq: 1000,
    discard: 'old',
    allow_direct: true,
    allow_rollup_hdrs: true,
    allow_msg_ttl: true,
    subject_delete_marker_ttl: 5e9,
    subject_transform: { src: 'l.old.*', dest: 'l.new.{{wildcard(1)}}' },
    republish: { src: 'm.*', dest: 'again.{{wildcard(1)}}', headers_only: true },
    metadata: { owner: 'tests' },
  });
  for (let i = 0; i < 12; i++) {
    await bed.publish(`l.${i % 5}.x`, `text ${i}`, { 'Nats-Msg-Id': `id ${i}`, 'X-N': `${i}` });
  }
  await bed.publish('l.old.1', 'transformed');
  await bed.publish('m.1', 'for an hour', { 'Nats-TTL': '1h' });
  await bed.publish('m.2', '');
  await bed.publish('m.2', 'alone', { 'Nats-Rollup': 'sub' });
  await bed.api('STREAM.MSG.DELETE.limits', { seq: 1005 });
  await makeConsumers(bed);
  await makeWorkQueue(bed);
}

async function makeConsumers(bed: KeptJetStream): Promise<void> {
  const configs: [string, object][] = [
    ['ACKED', { ack_policy: 'explicit', ack_wait: 30e9, max_deliver: 2, metadata: { a: 'b' } }],
    ['ALL', { ack_policy: 'all', filter_subjects: ['l.1.x', 'l.2.x'], backoff: [1e9, 5e9] }],
    ['NONE', { ack_policy: 'none', deliver_policy: 'last_per_subject', filter_subject: 'l.>' }],
    ['PUSHED', { deliver_subject: 'nobody', idle_heartbeat: 5e9, flow_control: true }],
    ['GROUP', { deliver_subject: 'nobody.2', deliver_group: 'g', headers_only: true }],
    ['FROM', { deliver_policy: 'by_start_sequence', opt_start_seq: 1008, ack_policy: 'explicit' }],
    ['DELETED', { ack_policy: 'explicit' }],
  ];
  for (const [name, config] of configs) {
    await consumer(bed, 'limits', { durable_name: name, ...config });
  }
  await consumer(bed, 'limits', { name: 'passing', inactive_threshold: 3600e9 });
  const acked = await pulled(bed, 'limits', 'ACKED', 5);
  await bed.ask(acked[0] as string, '+ACK');
  await bed.ask(acked[2] as string, '-NAK');
  await bed.ask(acked[3] as string, '+TERM');
  await pulled(bed, 'limits', 'ACKED', 1);
  await bed.ask((await pulled(bed, 'limits', 'ALL', 3))[1] as string, '+ACK');
  await pulled(bed, 'limits', 'NONE', 2);
  await pulled(bed, 'limits', 'DELETED', 2);
  await bed.api('CONSUMER.DELETE.limits.DELETED');
  await consumer(bed, 'limits', {
    durable_name: 'ALL',
    ...configs[1]?.[1],
    description: 'another',
  });
}

async function makeWorkQueue(bed: KeptJetStream): Promise<void> {
  await bed.stream('work', ['w'], {
    storage: 'file',
    retention: 'workqueue',
    discard: 'new',
    consumer_limits: { max_ack_pending: 50 },
  });
  await consumer(bed, 'work', { durable_name: 'C', ack_policy: 'explicit' });
  for (let i = 0; i < 6; i++) await bed.publish('w', `work ${i}`);
  const replies = await pulled(bed, 'work', 'C', 4);
  await bed.ask(replies[1] as string, '+ACK');
  await bed.ask(replies[2] as string, '+WPI');
}

async function consumer(bed: KeptJetStream, stream: string, config: object): Promise<void> {
  const { durable_name, name } = config as { durable_name?: string; name?: string };
  const subject = `CONSUMER.CREATE.${stream}.${durable_name ?? name}`;
  const answer = await bed.api(subject, {
    stream_name: stream,
    config: { ...(durable_name !== undefined && { name: durable_name }), ...config },
  });
  if ('error' in answer) throw new Error(JSON.stringify(answer.error));
}

/** Pulls messages. @returns where they are acknowledged */
async function pulled(
  bed: KeptJetStream,
  stream: string,
  name: string,
  batch: number,
): Promise<string[]> {
  const to = `to.${name}.${bed.errors.length}.${Math.random()}`;
  const got = bed.inbox(to);
  const body = JSON.stringify({ batch, no_wait: true });
  bed.bus.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, body, { reply: to });
  await bed.settle();
  return got.filter(({ status }) => status === 0).map(({ reply }) => reply);
}

/** All that can be known of them but the moment. */
export async function knownOf(bed: KeptJetStream): Promise<unknown> {
  const { streams } = await bed.api<{ streams: string[] }>('STREAM.NAMES');
  const known: Record<string, unknown> = {};
  for (const stream of streams) {
    const info = await bed.api(`STREAM.INFO.${stream}`, {
      deleted_details: true,
      subjects_filter: '>',
    });
    const { consumers } = await bed.api<{ consumers: { ts: unknown }[] }>(
      `CONSUMER.LIST.${stream}`,
    );
    const messages: unknown[] = [];
    const { first_seq, last_seq } = info['state' as never] as Record<
      'first_seq' | 'last_seq',
      number
    >;
    for (let seq = first_seq; seq <= last_seq; seq++) {
      const { message } = await bed.api<{ message: unknown }>(`STREAM.MSG.GET.${stream}`, { seq });
      messages.push(message);
    }
    known[stream] = {
      ...info,
      ts: undefined,
      // The name of the process.
      cluster: undefined,
      consumers: consumers.map((each) => ({ ...each, ts: undefined })),
      messages,
    };
  }
  return known;
}
