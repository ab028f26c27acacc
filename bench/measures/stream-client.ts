// A client for the measures: one socket, one request at a time, and many publishes of which nobody is told.

import { connect, type Socket } from 'node:net';

const LIMIT_MS = 60_000;
const LINES_A_WRITE = 10_000;
const PONG = /(?:^|\n)PONG\r\n/;
const ANSWER = /(?:^|\n)MSG _INBOX\.a 1 (\d+)\r\n/;

export class StreamClient {
  readonly #socket: Socket;
  #text = '';
  #look: () => void = () => {};
  #fail: (error: Error) => void = () => {};

  constructor(port: number) {
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.setEncoding('latin1').on('data', (text) => {
      this.#text += text;
      this.#look();
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error(`the server has gone: ${this.#text}`)));
    this.#socket.write('CONNECT {"verbose":false}\r\nSUB _INBOX.a 1\r\n');
  }

  /** Resolves when all that was sent has been read by the server. */
  async confirm(lines = ''): Promise<void> {
    await this.#exchange(`${lines}PING\r\n`, (text) => (PONG.test(text) ? '' : undefined));
  }

  /** Asks the API; throws when it refuses. */
  async api<T = object>(subject: string, body: object): Promise<T> {
    const text = JSON.stringify(body);
    const lines = `PUB $JS.API.${subject} _INBOX.a ${text.length}\r\n${text}\r\n`;
    const json = await this.#exchange(lines, (heard) => {
      const found = ANSWER.exec(heard);
      if (found === null) return undefined;
      const start = found.index + found[0].length;
      const end = start + Number(found[1]);
      return heard.length < end + 2 ? undefined : heard.slice(start, end);
    });
    const answer = JSON.parse(json) as T & { error?: object };
    if (answer.error !== undefined) throw new Error(`${subject}: ${json}`);
    return answer;
  }

  /** Publishes so many messages, and resolves when the stream has all of them. */
  async fill(count: number, subjectOf: (i: number) => string, bytes: number): Promise<void> {
    const before = await this.#lastSeq();
    const payload = 'x'.repeat(bytes);
    for (let at = 0; at < count; at += LINES_A_WRITE) {
      let lines = '';
      for (let i = at; i < Math.min(count, at + LINES_A_WRITE); i++) {
        lines += `PUB ${subjectOf(i)} ${bytes}\r\n${payload}\r\n`;
      }
      await this.confirm(lines);
      // One that stores behind the answer to a PING drops what it cannot hold meanwhile.
      while ((await this.#lastSeq()) < before + Math.min(count, at + LINES_A_WRITE));
    }
  }

  async #lastSeq(): Promise<number> {
    const { state } = await this.api<{ state: { last_seq: number } }>('STREAM.INFO.S', {});
    return state.last_seq;
  }

  #exchange(lines: string, take: (text: string) => string | undefined): Promise<string> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(limit);
        this.#look = () => {};
        this.#fail = () => {};
      };
      this.#fail = (error) => {
        finish();
        reject(error);
      };
      const limit = setTimeout(() => this.#fail(new Error(`no answer: ${this.#text}`)), LIMIT_MS);
      this.#look = () => {
        const answer = take(this.#text);
        if (answer === undefined) return;
        this.#text = '';
        finish();
        resolve(answer);
      };
      this.#socket.write(lines, 'latin1');
    });
  }

  close(): void {
    this.#socket.removeAllListeners('close').destroy();
  }
}
