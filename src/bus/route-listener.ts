// Who wants to know how far a publish went: a request, or who waits for its handlers.

export interface RouteListener {
  /** What handlers throw is for it alone, and not reported beside. */
  readonly takesErrors?: boolean;
  /** So many subscriptions got it. Called once it has reached all of them. */
  routed(count: number): void;
  /** It could not be routed. */
  fail(error: Error): void;
  /**
   * The handler of one that got it has failed. `report` is called if the listener does not tell who asked: then the
   * error is uncaught. There is none where it has been reported.
   */
  handlerFailed(error: unknown, report: (() => void) | undefined): void;
  /** The handler of one that got it has returned a promise. */
  handlerStarted?(): void;
  /** That promise has settled; `handlerFailed` comes before. */
  handlerSettled?(): void;
}
