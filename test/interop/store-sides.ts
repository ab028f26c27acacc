// Does a case of work on a stream on one server, and tells all that came back as lines that can be compared.
import {
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  headers as newHeaders,
  RequestError,
} from '@nats-io/nats-core';
import type { StoreCase } from './store-generator.ts';

/** No answer within that is silence: of acks that change nothing, and of streams that keep quiet. */
const SILENCE_MS = 600;
/** Within that a pull or a direct get has come to its end. */
const END_MS = 3000;

/** What came back, one line for each message. */
export async function perform(connection: NatsConnection, one: StoreCase): Promise<string[]> {
  const again = publishedAgain(connection);
  if (one.kind === 'request') {
    const answer = await request(connection, one);
    // They come before the acknowledgement.
    return [answer, ...again.splice(0).map((line) => `again: ${line}`)];
  }
  const messages = await collect(connection, one);
  const lines = messages.map(lineOf);
  if (one.kind === 'direct') return lines;
  for (const [i, message] of messages.entries()) {
    const ack = one.acks[i % one.acks.length] ?? 'none';
    if (!message.reply?.startsWith('$JS.ACK') || ack === 'none') continue;
    const answer = await request(connection, { subject: message.reply, body: ack, headers: [] });
    lines.push(`ack ${i} ${ack}: ${answer}`);
  }
  return lines;
}

const republished = new WeakMap<NatsConnection, string[]>();

/** What streams have published again since it was last taken. */
function publishedAgain(connection: NatsConnection): string[] {
  const known = republished.get(connection);
  if (known !== undefined) return known;
  const lines: string[] = [];
  connection.subscribe('again.>', {
    callback: (_error, message) => void lines.push(lineOf(message)),
  });
  republished.set(connection, lines);
  return lines;
}

async function request(
  connection: NatsConnection,
  { subject, body, headers }: Pick<StoreCase, 'subject' | 'body' | 'headers'>,
): Promise<string> {
  try {
    const hdrs = headersOf(headers);
    const timeout = SILENCE_MS;
    const options = hdrs === undefined ? { timeout } : { timeout, headers: hdrs };
    return lineOf(await connection.request(subject, body, options));
  } catch (error) {
    if (error instanceof RequestError && error.isNoResponders()) return 'no responders';
    if (error instanceof Error && error.name === 'TimeoutError') return 'silence';
    throw error;
  }
}

function headersOf(said: StoreCase['headers']): MsgHdrs | undefined {
  if (said.length === 0) return undefined;
  const headers = newHeaders();
  for (const [name, value] of said) headers.append(name, value);
  return headers;
}

/** All messages until one says that it is the last, or none comes any more. */
function collect(connection: NatsConnection, { kind, subject, body }: StoreCase): Promise<Msg[]> {
  return new Promise((resolve) => {
    const messages: Msg[] = [];
    const inbox = createInbox();
    const asked = (JSON.parse(body || '{}') as { batch?: number }).batch ?? 1;
    const done = (): void => {
      clearTimeout(timer);
      subscription.unsubscribe();
      resolve(messages);
    };
    const timer = setTimeout(done, END_MS);
    const subscription = connection.subscribe(inbox, {
      callback: (_error, message) => {
        if (message.headers?.code === 100) return;
        messages.push(message);
        const isStatus = (message.headers?.code ?? 0) >= 200;
        if (isStatus || (kind === 'pull' && messages.length === asked)) done();
        // A direct get of one message has no end but itself.
        if (kind === 'direct' && !/batch|multi_last/.test(body)) done();
      },
    });
    connection.publish(subject, body, { reply: inbox });
  });
}

/** Times of messages and of the servers differ. */
const TIMES = /"(?:created|ts|time|last_active|first_ts|last_ts)":"[^"]*",?/g;
const OWN = /"cluster":\{[^}]*\},?|"_nats\.(?:ver|level)":"[^"]*",?/g;

/**
 * What only the blocks of the original's files tell: where a message is missed, that a stream which never had one counts
 * that of sequence 0 as deleted, and up to where a consumer has looked that never delivered anything.
 */
const OF_FILES =
  /"num_deleted":1,"deleted":\[0\],|"code":[^}]*"(?:sequence \d+ not found|no message found)"|(?<="delivered":\{"consumer_seq":0,"stream_seq":)\d+/g;

function lineOf({ subject, headers, reply, data }: Msg): string {
  const text = new TextDecoder().decode(data);
  const isAnswer = text.startsWith('{"');
  const shown = isAnswer
    ? text
        .replace(TIMES, '')
        .replace(OWN, '')
        .replace(OF_FILES, '')
        .replace(/,(?=})/g, '')
    : text;
  const name = subject.startsWith('_INBOX') ? '' : subject;
  return `${name} ${headerText(headers)} ${ackText(reply)} ${shown}`.trim();
}

function headerText(headers: MsgHdrs | undefined): string {
  if (headers === undefined) return '';
  const status = headers.code === 0 ? '' : `${headers.code} ${headers.description}`;
  const pairs = headers
    .keys()
    .filter((key) => key !== 'Nats-Time-Stamp')
    .map((key) => `${key}=${headers.values(key).join('|')}`);
  return `${status} [${pairs.join(', ')}]`;
}

/** Deliveries, sequences and what is pending, without the time. */
function ackText(reply: string | undefined): string {
  if (!reply?.startsWith('$JS.ACK.')) return '';
  const tokens = reply.split('.');
  return `deliveries ${tokens[4]} seq ${tokens[5]} ${tokens[6]} pending ${tokens[8]}`;
}
