// A bus whose subjects have types: the same object as a Bus, seen through a map of the program. What the map does
// not have the compiler refuses; `untyped` is the way to it.

import type { Bus } from './bus.ts';
import type {
  FilterOf,
  Payload,
  PublishedOn,
  ReceivedOn,
  RepliedOn,
  RpcFilterOf,
  RpcSubjectOf,
  SubjectOf,
} from './subject-map.ts';
import type {
  Message,
  MessageHandler,
  OnceOptions,
  Publisher,
  PublishOptions,
  PublishSettledOptions,
  RequestManyOptions,
  RequestOptions,
  Responder,
  ResponderOptions,
  SubscribeOptions,
  Subscription,
} from './types.ts';

type Retyped =
  | 'account'
  | 'publish'
  | 'publishSettled'
  | 'publisher'
  | 'hasInterest'
  | 'subscribe'
  | 'once'
  | 'responder'
  | 'request'
  | 'requestMany';

/** For the compiler alone: nothing is there. */
declare const CARRIES: unique symbol;

/**
 * What `createBus<M>()` makes; the methods are those of {@link Bus}. It is a typed bus of fewer subjects, too, as far as
 * their entries are the same: a function or a class names those it needs.
 */
export interface TypedBus<M extends object> extends Omit<Bus, Retyped> {
  /** The methods alone would let every typed bus pass for every other. */
  readonly [CARRIES]?: { readonly [K in keyof M]: (value: M[K]) => M[K] };

  /** As `bus.account`; another account has subjects of its own, and so a map of its own, or none. */
  account(name: string): Bus;
  account<N extends object>(name: string): TypedBus<N>;

  publish<S extends string>(
    subject: SubjectOf<M, S>,
    ...rest: NoInfer<Payload<PublishedOn<M, S>, PublishOptions>>
  ): void;

  publishSettled<S extends string>(
    subject: SubjectOf<M, S>,
    ...rest: NoInfer<Payload<PublishedOn<M, S>, PublishSettledOptions>>
  ): Promise<void>;

  publisher<S extends string>(subject: SubjectOf<M, S>): Publisher<PublishedOn<M, S>>;

  hasInterest<S extends string>(subject: SubjectOf<M, S>): boolean;

  subscribe<F extends string>(
    subject: FilterOf<M, F>,
    handler: NoInfer<MessageHandler<ReceivedOn<M, F>, RepliedOn<M, F>>>,
    options?: NoInfer<SubscribeOptions<ReceivedOn<M, F>, RepliedOn<M, F>>>,
  ): Subscription<ReceivedOn<M, F>, RepliedOn<M, F>>;
  subscribe<F extends string>(
    subject: FilterOf<M, F>,
    options?: NoInfer<SubscribeOptions<ReceivedOn<M, F>, RepliedOn<M, F>>>,
  ): Subscription<ReceivedOn<M, F>, RepliedOn<M, F>>;

  once<F extends string>(
    subject: FilterOf<M, F>,
    options?: NoInfer<OnceOptions<ReceivedOn<M, F>, RepliedOn<M, F>>>,
  ): Promise<Message<ReceivedOn<M, F>, RepliedOn<M, F>>>;

  responder<F extends string>(
    subject: RpcFilterOf<M, F>,
    handler: NoInfer<Responder<ReceivedOn<M, F>, RepliedOn<M, F>>>,
    options?: ResponderOptions,
  ): Subscription<ReceivedOn<M, F>, RepliedOn<M, F>>;

  request<S extends string>(
    subject: RpcSubjectOf<M, S>,
    ...rest: NoInfer<Payload<PublishedOn<M, S>, RequestOptions>>
  ): Promise<Message<RepliedOn<M, S>>>;

  requestMany<S extends string>(
    subject: RpcSubjectOf<M, S>,
    ...rest: NoInfer<Payload<PublishedOn<M, S>, RequestManyOptions>>
  ): Promise<AsyncIterable<Message<RepliedOn<M, S>>>>;
}
