// Types of values by subject. The keys of a map are subjects or filters; what is looked up is a subject, a filter,
// or a template such as `orders.${region}.created`. The keys are made into a trie of types, each level at most
// once for a map, so that a lookup costs its tokens and not the number of keys.
//
//   interface Subjects { 'orders.*.created': Order; 'svc.echo': { request: A; reply: B } }
//
//   first level   { orders: ['*.created', key], svc: ['echo', key] }
//   below orders  { '*': ['created', key] }, and below that { created: ['', key] }
//
// Where keys overlap, a subject that is itself a key has the type of that key. Any other has to suit all keys
// that match when it is published, and may be of any of them when it is received.

/** An entry of a map for a subject on which requests are answered; any other type is that of a value. */
export interface Rpc<Request, Reply> {
  readonly request: Request;
  readonly reply: Reply;
}

/** What is left of a key at some level ('' = it has ended), and the key. */
type Entry = readonly [rest: string, key: string];

type First<S extends string> = S extends `${infer Head}.${string}` ? Head : S;
type Rest<S extends string> = S extends `${string}.${infer Tail}` ? Tail : '';

/** Entries by their first token; those that share it become a union. */
type Level<E extends Entry> = { [P in E as First<P[0]>]: Advance<P> };
type Advance<P> = P extends Entry ? readonly [Rest<P[0]>, P[1]] : never;

type Root<M> = Level<{ [K in keyof M & string]: readonly [K, K] }[keyof M & string]>;

type KeyOf<E> = E extends readonly [string, infer K] ? K : never;
type EndedKeyOf<E> = E extends readonly ['', infer K] ? K : never;

/** Entries that go on below a token of a filter. A token that a template leaves open meets wildcards only. */
type Below<L, Token extends string> = Token extends '*'
  ? L[Exclude<keyof L, '' | '>'>]
  : At<L, '*'> | At<L, Token>;
type At<L, Token> = Token extends keyof L ? L[Token] : never;

/** The keys below a level that share a subject with a filter. */
type Overlap<L, F extends string> =
  | KeyOf<At<L, '>'>>
  | (F extends '>'
      ? KeyOf<L[Exclude<keyof L, ''>]>
      : F extends `${infer Head}.${infer Tail}`
        ? Descend<Below<L, Head>, Tail>
        : EndedKeyOf<Below<L, F>>);

type Descend<E, F extends string> = [E] extends [never]
  ? never
  : [E] extends [Entry]
    ? Overlap<Level<E>, F>
    : never;

type Wild = '*' | '>' | `*.${string}` | `${string}.*` | `${string}.>` | `${string}.*.${string}`;

/** The keys of a map that share a subject with `F`; a key itself has no other, unless it is a filter. */
type KeysFor<M, F extends string> = F extends Wild
  ? Overlap<Root<M>, F>
  : F extends keyof M
    ? F
    : string extends F
      ? never
      : Overlap<Root<M>, F>;

type IsRpc<V> = 0 extends 1 & V
  ? false
  : [V] extends [{ request: unknown; reply: unknown }]
    ? [keyof V] extends ['request' | 'reply']
      ? true
      : false
    : false;

type RequestOf<V> = IsRpc<V> extends true ? V['request' & keyof V] : V;
type ReplyOf<V> = IsRpc<V> extends true ? V['reply' & keyof V] : unknown;

type RpcKeys<M> = { [K in keyof M & string]: IsRpc<M[K]> extends true ? K : never }[keyof M &
  string];

/** Of several keys what suits all of them. */
type AllOf<M, K> = (K extends keyof M ? (value: RequestOf<M[K]>) => void : never) extends (
  value: infer V,
) => void
  ? V
  : never;

/** Without the keys that are filters: nobody would get what is published there. */
type Subjects<Keys> = Exclude<Keys, Wild>;

/** `S` where the map has it; else, for the compiler's message and for what it suggests, the keys that there are. */
export type FilterOf<M, S extends string> = [KeysFor<M, S>] extends [never] ? keyof M & string : S;
export type SubjectOf<M, S extends string> = S extends Wild
  ? Subjects<keyof M & string>
  : [KeysFor<M, S>] extends [never]
    ? Subjects<keyof M & string>
    : S;
export type RpcFilterOf<M, S extends string> = [KeysFor<M, S> & RpcKeys<M>] extends [never]
  ? RpcKeys<M>
  : S;
export type RpcSubjectOf<M, S extends string> = S extends Wild
  ? Subjects<RpcKeys<M>>
  : [KeysFor<M, S> & RpcKeys<M>] extends [never]
    ? Subjects<RpcKeys<M>>
    : S;

/** What is published on a subject. */
export type PublishedOn<M, S extends string> = AllOf<M, KeysFor<M, S>>;
/** What a subscriber of a filter receives. */
export type ReceivedOn<M, F extends string, K = KeysFor<M, F>> = K extends keyof M
  ? RequestOf<M[K]>
  : never;
/** What it may answer, and what a requester gets. */
export type RepliedOn<M, F extends string, K = KeysFor<M, F>> = K extends keyof M
  ? ReplyOf<M[K]>
  : never;

/** Payload and options; the payload may be left out where it may be undefined. */
export type Payload<V, Options> = undefined extends V
  ? [payload?: V, options?: Options]
  : [payload: V, options?: Options];
