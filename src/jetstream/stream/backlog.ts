// What has been stored, and is not yet as durable as promised: a disk that is slow, or stuck, must not fill memory with it
// and with the answers that wait. What is stored within a turn of the loop is no part of it before its commit is asked for.
// Source: nats-server 2.15.3, server/stream.go, streamDefaultMaxQueueMsgs, streamDefaultMaxQueueBytes, queueInbound.

export const BACKLOG_MESSAGES = 100_000;
export const BACKLOG_BYTES: number = 128 << 20;

export class Backlog {
  readonly #messagesMost: number;
  readonly #bytesMost: number;
  #messages = 0;
  #bytes = 0;
  // Of all that there have been, up to the last commit.
  #lastSeq: number;
  #lastBytes = 0;
  /** No more may come. */
  isFull = false;

  /** @param lastSeq everything up to it is durable */
  constructor(
    lastSeq: number,
    messagesMost: number = BACKLOG_MESSAGES,
    bytesMost: number = BACKLOG_BYTES,
  ) {
    this.#lastSeq = lastSeq;
    this.#messagesMost = messagesMost;
    this.#bytesMost = bytesMost;
  }

  /**
   * A commit is asked for.
   *
   * @param lastSeq the last message that there is
   * @param bytes of all messages that there have been
   * @returns to be called when it is done, or has failed
   */
  begin(lastSeq: number, bytes: number): () => void {
    const messages = lastSeq - this.#lastSeq;
    const more = bytes - this.#lastBytes;
    this.#lastSeq = lastSeq;
    this.#lastBytes = bytes;
    this.#add(messages, more);
    return () => this.#add(-messages, -more);
  }

  #add(messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
    this.isFull = this.#messages >= this.#messagesMost || this.#bytes >= this.#bytesMost;
  }
}
