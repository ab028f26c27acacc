// One connection of the HTTP server. It has one request at a time: what else the peer sends waits, in the socket if it
// is more than a read, until the answer has been taken. So a peer that asks and does not read is not answered any more,
// and holds no more than a read, a head and an answer.
//
//   read ─► a whole head? ─► the server gives it a turn ─► answer written ─► taken ─► the next head, or read on
//                                  └─► a page: turn after turn, a chunk at a time ─┘
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../shared/clock.ts';
import { laneOf } from '../shared/fair-queue.ts';
import { HttpPage } from './http-page.ts';
import type { Paged, PagePlaces } from './http-places.ts';
import {
  HEAD_MAX,
  type HttpRequest,
  type HttpResponse,
  headEnd,
  leadingLineEnds,
  type RequestHead,
  readHead,
  refusalResponse,
  responseHead,
  wholeResponse,
} from './http-text.ts';

/** The server, as far as its connections go. */
export interface HttpHost {
  readonly clock: Clock;
  /** Calls the connection's `step` when it is its turn. */
  wantsTurn(connection: HttpConnection): void;
  /** It is asked something, or has taken an answer: of all it is idle for the shortest time now. */
  noteActive(connection: HttpConnection): void;
  gone(connection: HttpConnection): void;
  /** Whoever has a page gets turns when there is a place for him there. */
  placesFor(response: HttpResponse): PagePlaces;
  /** What went wrong with an answer. */
  failed(error: unknown): void;
  /** Never throws. */
  respond(request: HttpRequest): HttpResponse;
}

/** After our end the peer may still be sending; closing at once could make it lose our last words. */
const LINGER_MS = 1000;
/** A chunk of a page that is not taken by then ends the connection. Source: nats-server, DEFAULT_FLUSH_DEADLINE. */
const CHUNK_MS = 10_000;
const HEAD_TOO_LARGE = 431;
const INTERNAL_ERROR = 500;

export class HttpConnection implements Paged {
  readonly lane: string;
  readonly #host: HttpHost;
  readonly #socket: Socket;
  /** What has come and is not done with. */
  #bytes: Buffer = Buffer.alloc(0);
  /** Bytes of a body that are still to be passed over. */
  #skip = 0;
  #isAnswering = false;
  #hasEnded = false;
  /** Nothing more is answered; what comes is thrown away. */
  #isLeaving = false;
  #linger: Timer | undefined;
  /** The answer at hand, where it is made piece by piece. */
  #page: HttpPage | undefined;
  /** Where the page has its place, or waits for one. */
  #places: PagePlaces | undefined;
  #deadline: Timer | undefined;
  #heldMs = 0;
  /** By the monotonic clock, since when the peer has had a chunk of the page to take. */
  #heldSince: number | undefined;

  constructor(host: HttpHost, socket: Socket) {
    this.#host = host;
    this.#socket = socket;
    this.lane = laneOf(socket.remoteAddress ?? '');
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#linger?.cancel();
      this.#deadline?.cancel();
      this.#endPage();
      host.gone(this);
    });
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#goOn();
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  get heldMs(): number {
    if (this.#heldSince === undefined) return this.#heldMs;
    return this.#heldMs + this.#host.clock.monotonic() - this.#heldSince;
  }

  begin(): void {
    this.#host.wantsTurn(this);
  }

  giveWay(): void {
    this.destroy();
  }

  /** Its turn: takes the next request and answers it, or makes its page a little further. */
  step(): void {
    if (this.#isLeaving || this.#socket.destroyed) return;
    if (this.#page !== undefined) this.#turnPage(this.#page);
    else if (!this.#isAnswering) this.#readHead();
  }

  #readHead(): void {
    const end = headEnd(this.#bytes);
    if (end < 0 || end > HEAD_MAX) {
      if (end > HEAD_MAX) this.#refuse(HEAD_TOO_LARGE);
      return;
    }
    const head = readHead(this.#bytes.toString('latin1', 0, end));
    this.#bytes = this.#bytes.subarray(end);
    if (typeof head === 'number') this.#refuse(head);
    else this.#answer(head);
  }

  #onData(bytes: Buffer): void {
    if (this.#isLeaving) return;
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    this.#goOn();
  }

  /** After something has come, or an answer has been taken. */
  #goOn(): void {
    if (this.#isLeaving || this.#isAnswering) return;
    this.#passOver();
    if (this.#skip === 0 && headEnd(this.#bytes) >= 0) {
      this.#socket.pause();
      this.#host.wantsTurn(this);
    } else if (this.#bytes.length > HEAD_MAX) {
      this.#refuse(HEAD_TOO_LARGE);
    } else if (this.#hasEnded) {
      this.#leave();
    } else {
      // What is kept is no view of a whole read.
      this.#bytes = Buffer.from(this.#bytes);
      this.#socket.resume();
    }
  }

  #passOver(): void {
    const body = Math.min(this.#skip, this.#bytes.length);
    this.#skip -= body;
    const rest = this.#bytes.subarray(body);
    this.#bytes = this.#skip > 0 ? rest : rest.subarray(leadingLineEnds(rest));
  }

  #answer({ request, minor, bodyBytes, staysOpen }: RequestHead): void {
    this.#isAnswering = true;
    this.#host.noteActive(this);
    const response = this.#host.respond(request);
    this.#skip = bodyBytes;
    const { clock } = this.#host;
    const facts = { minor, staysOpen, now: clock.now() };
    const isHead = request.method === 'HEAD';
    if (isWhole(response)) this.#write(wholeResponse(response, facts, isHead), staysOpen);
    else if (isHead) this.#write(responseHead(response, facts, ''), staysOpen);
    else {
      this.#page = new HttpPage(response, facts, clock);
      this.#heldMs = 0;
      this.#places = this.#host.placesFor(response);
      this.#places.open(this);
    }
  }

  /** The page at hand is made a little further. */
  #turnPage(page: HttpPage): void {
    let bytes: Uint8Array | undefined;
    try {
      bytes = page.step();
    } catch (error) {
      this.#host.failed(error);
      this.#endPage();
      if (page.hasBegun) this.destroy();
      else this.#refuse(INTERNAL_ERROR);
      return;
    }
    if (bytes === undefined) {
      this.#host.wantsTurn(this);
    } else if (page.isDone) {
      this.#endPage();
      this.#write(bytes, page.staysOpen);
    } else {
      const destroy = (): void => this.destroy();
      this.#deadline = this.#host.clock.setTimeout(destroy, CHUNK_MS, { unref: true });
      this.#heldSince = this.#host.clock.monotonic();
      this.#socket.write(bytes, () => {
        this.#deadline?.cancel();
        this.#heldMs = this.heldMs;
        this.#heldSince = undefined;
        if (this.#page === page) this.#host.wantsTurn(this);
      });
    }
  }

  #endPage(): void {
    const page = this.#page;
    if (page === undefined) return;
    this.#page = undefined;
    page.close();
    this.#places?.close(this);
  }

  #refuse(status: number): void {
    this.#isAnswering = true;
    const facts = { minor: 1, staysOpen: false, now: this.#host.clock.now() };
    this.#write(wholeResponse(refusalResponse(status), facts, false), false);
  }

  #write(bytes: Uint8Array, staysOpen: boolean): void {
    this.#socket.write(bytes, (error) => {
      this.#isAnswering = false;
      if (error) return;
      this.#host.noteActive(this);
      if (staysOpen) this.#goOn();
      else this.#leave();
    });
  }

  #leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#bytes = Buffer.alloc(0);
    this.#socket.end();
    this.#socket.resume();
    if (this.#hasEnded) return;
    const destroy = (): void => this.destroy();
    this.#linger = this.#host.clock.setTimeout(destroy, LINGER_MS, { unref: true });
  }
}

function isWhole(response: HttpResponse): response is HttpResponse & { readonly body: string } {
  return typeof response.body === 'string';
}
