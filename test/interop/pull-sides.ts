// Plays a program of pulls on a server and writes down what came of each step: what arrived at each inbox, in order, what
// was advised, and where consumer and stream stand. Times and names are made the same.
import type { Msg, NatsConnection } from '@nats-io/nats-core';
import type { PullProgram, PullStep } from './pull-programs.ts';

/** Lines by what they are of: an inbox, the API's answer, advisories, how it stands. */
export type StepRecord = Record<string, string[]>;

/** @param pauseMs after a step, for whatever it causes */
export async function playPulls(
  connection: NatsConnection,
  program: PullProgram,
  pauseMs: number,
): Promise<StepRecord[]> {
  const player = new Player(connection, program, pauseMs);
  try {
    return await player.play();
  } finally {
    player.close();
  }
}

class Player {
  readonly #connection: NatsConnection;
  readonly #program: PullProgram;
  readonly #pauseMs: number;
  readonly #stream: string;
  readonly #replies: string[] = [];
  readonly #subscriptions: { unsubscribe(): void }[] = [];
  readonly #listeners: { unsubscribe(): void }[] = [];
  #consumer: Readonly<Record<string, unknown>>;
  #record: StepRecord = {};
  #inboxes = 0;
  #hasConsumer = false;

  constructor(connection: NatsConnection, program: PullProgram, pauseMs: number) {
    this.#connection = connection;
    this.#program = program;
    this.#pauseMs = pauseMs;
    this.#consumer = program.consumer;
    this.#stream = `PULL${program.seed}`;
  }

  async play(): Promise<StepRecord[]> {
    const name = this.#stream;
    this.#listenTo(`$JS.EVENT.ADVISORY.CONSUMER.*.${name}.>`, 'advised', 0);
    this.#listenTo(`R.${name}.>`, 'again', 0);
    await this.#ask(`STREAM.CREATE.${name}`, this.#named(this.#program.stream));
    const records: StepRecord[] = [];
    for (const [at, step] of this.#program.steps.entries()) {
      const record: StepRecord = {};
      this.#record = record;
      await this.#does(step, at);
      await this.#connection.flush();
      await settle(this.#pauseMs);
      if (this.#hasConsumer) await this.#noteState();
      record.advised?.sort();
      records.push(record);
    }
    this.#record = {};
    await this.#ask(`STREAM.DELETE.${name}`, {});
    return records;
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  async #does(step: PullStep, at: number): Promise<void> {
    const name = this.#stream;
    switch (step.do) {
      case 'create': {
        const error = await this.#makeConsumer();
        this.#hasConsumer = error === undefined;
        return;
      }
      case 'change': {
        if (!this.#hasConsumer) return;
        const before = this.#consumer;
        this.#consumer = { ...before, ...step.changes };
        if ((await this.#makeConsumer()) !== undefined) this.#consumer = before;
        return;
      }
      case 'listen':
        this.#listen(this.#deliverSubject(step.to), step.queue);
        return;
      case 'quit':
        for (const listener of this.#listeners.splice(0)) listener.unsubscribe();
        return;
      case 'publish':
        for (let i = 0; i < step.count; i++) {
          const subject = step.subject.replace('S', name);
          await this.#connection.request(subject, 'x'.repeat(step.bytes), { timeout: 10_000 });
          // The next one would else be counted by the delivery of this one, or not, by chance.
          await settle(this.#pauseMs);
        }
        return;
      case 'pull': {
        const reply = this.#listenTo(`_X.${name}.${this.#inboxes++}`, `inbox ${at}`, step.max);
        this.#connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${name}.C`, step.body, { reply });
        return;
      }
      case 'ack':
        this.#acknowledge(step, at);
        return;
      case 'wait':
        await settle(step.ms);
        return;
      case 'remove': {
        const { success, error } = await this.#ask(`STREAM.MSG.DELETE.${name}`, { seq: step.seq });
        this.#note('api', JSON.stringify(success ?? error));
        return;
      }
      case 'purge': {
        const body = JSON.parse(step.body.replace('S.', `${name}.`));
        this.#note('api', JSON.stringify((await this.#ask(`STREAM.PURGE.${name}`, body)).purged));
      }
    }
  }

  /** Makes the consumer, or changes it; answers why not. */
  async #makeConsumer(): Promise<unknown> {
    const name = this.#stream;
    const config = this.#named(this.#consumer) as Record<string, unknown>;
    const { deliver_subject: to = '' } = config;
    config.deliver_subject = this.#deliverSubject(`${to}`);
    const request = { stream_name: name, config };
    const answer = await this.#ask(`CONSUMER.DURABLE.CREATE.${name}.C`, request);
    const { deliver_subject } = (answer.config ?? {}) as Record<string, unknown>;
    // nats-server looks who listens to another subject behind its answer (updateDeliverSubjectLocked).
    const bound = this.#hasConsumer ? [] : [answer.push_bound];
    const shown = [answer.num_pending, deliver_subject, ...bound];
    this.#note('api', JSON.stringify(answer.error ?? shown));
    return answer.error;
  }

  #deliverSubject(text: string): string {
    return text.replace(/^P\.S/, `P.${this.#stream}`);
  }

  /** Of whom in a group a message comes to, nobody can tell: all listeners write into one list. */
  #listen(subject: string, queue: string): void {
    const subscription = this.#connection.subscribe(subject, {
      ...(queue !== '' && { queue }),
      callback: (error, message) => {
        if (error !== null) return;
        if (message.reply?.startsWith('$JS.ACK') === true) this.#replies.push(message.reply);
        this.#note('pushed', shown(message, subject));
      },
    });
    this.#subscriptions.push(subscription);
    this.#listeners.push(subscription);
  }

  #acknowledge({ which, word, asks, forged }: PullStep & { do: 'ack' }, at: number): void {
    const replies = this.#replies;
    const subject = replies[Math.max(0, replies.length - 1 - which)];
    if (subject === undefined) return;
    const tokens = subject.split('.');
    if (forged !== undefined) tokens[forged[0]] = forged[1];
    const isAnswered = asks || word.startsWith('+NXT');
    const name = `_X.${this.#stream}.${this.#inboxes++}`;
    const options = isAnswered ? { reply: this.#listenTo(name, `inbox ${at}`, 0) } : {};
    this.#connection.publish(tokens.join('.'), word, options);
  }

  #listenTo(subject: string, key: string, max: number): string {
    const subscription = this.#connection.subscribe(subject, {
      ...(max > 0 && { max }),
      callback: (error, message) => {
        if (error !== null) return;
        if (message.reply?.startsWith('$JS.ACK') === true) this.#replies.push(message.reply);
        this.#note(key, key === 'advised' ? advice(message) : shown(message, subject));
      },
    });
    this.#subscriptions.push(subscription);
    return subject;
  }

  async #noteState(): Promise<void> {
    const name = this.#stream;
    const info = await this.#ask(`CONSUMER.INFO.${name}.C`, undefined);
    const { delivered, ack_floor, push_bound } = info;
    const { num_ack_pending, num_redelivered, num_waiting, num_pending } = info;
    const counts = { num_ack_pending, num_redelivered, num_waiting, num_pending, push_bound };
    this.#note('consumer', JSON.stringify([info.error, delivered, ack_floor, counts]));
    const { state } = await this.#ask(`STREAM.INFO.${name}`, undefined);
    const { messages, last_seq } = state as { messages: number; last_seq: number };
    this.#note('stream', `${messages} ${last_seq}`);
  }

  #note(key: string, text: string): void {
    // While messages leave, the original's count of what lies ahead lags behind, by chance.
    const { max_msgs, max_msgs_per_subject } = this.#program.stream;
    const isSteady = max_msgs === -1 && max_msgs_per_subject === -1;
    const line = (isSteady ? text : text.replaceAll(/(\$JS\.ACK\.[\w.]+)\.\w+/g, '$1.ahead'))
      .replaceAll(this.#stream, 'S')
      .replaceAll(/"last_active":"[^"]*"/g, '"last_active"')
      .replaceAll(/Nats-Time-Stamp: [^|]*/g, 'Nats-Time-Stamp')
      .replaceAll(/(\$JS\.ACK\.S\.C\.\w+\.\w+\.\w+)\.\w+/g, '$1.time');
    const lines = this.#record[key] ?? [];
    this.#record[key] = lines;
    lines.push(line);
  }

  async #ask(subject: string, body: unknown): Promise<Record<string, unknown>> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const answer = await this.#connection.request(`$JS.API.${subject}`, text, { timeout: 10_000 });
    return answer.json();
  }

  #named(config: unknown): unknown {
    const text = JSON.stringify(config);
    return JSON.parse(
      text
        .replaceAll('"S"', `"${this.#stream}"`)
        .replaceAll('"S.', `"${this.#stream}.`)
        .replaceAll('"R.S.', `"R.${this.#stream}.`),
    );
  }
}

function shown(message: Msg, inbox: string): string {
  const { subject, headers, reply = '' } = message;
  const status = headers?.code ? `${headers.code} ${headers.description}` : '';
  const lines =
    headers === undefined ? [] : [...headers].map(([key, values]) => `${key}: ${values}`);
  return [subject === inbox ? 'inbox' : subject, status, ...lines, message.string(), reply].join(
    '|',
  );
}

function advice(message: Msg): string {
  const { id: _id, timestamp: _timestamp, ...fields } = message.json<Record<string, unknown>>();
  return `${message.subject} ${JSON.stringify(fields)}`;
}

function settle(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
