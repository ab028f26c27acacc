// Stores of objects: those of `@nats-io/obj`.
import type { Lister } from '@nats-io/jetstream';
import {
  type ObjectStore,
  type ObjectStoreOptions,
  type ObjectStoreStatus,
  setSha256Backend,
  Objm as TheirObjm,
} from '@nats-io/obj';
import { clientFor, type StoreUser } from './client.ts';

// The platform's own hash takes a seventh of the time of the client's, which is for where there is none, as in pages.
const { process: host } = globalThis as { readonly process?: { getBuiltinModule?: unknown } };
if (typeof host?.getBuiltinModule === 'function') setSha256Backend('native');

/** The object stores of a bus. */
export class Objm {
  readonly #theirs: TheirObjm;

  /** Throws InvalidOperationError for what is no bus. */
  constructor(user: StoreUser) {
    this.#theirs = new TheirObjm(clientFor(user));
  }

  /** The store of that name, which is made when there is none. */
  create(name: string, options?: Partial<ObjectStoreOptions>): Promise<ObjectStore> {
    return this.#theirs.create(name, { ...options });
  }

  /** The store of that name. Rejects where there is none, unless `check` is false. */
  open(name: string, check?: boolean | { check?: boolean }): Promise<ObjectStore> {
    return this.#theirs.open(name, check);
  }

  list(): Lister<ObjectStoreStatus> {
    return this.#theirs.list();
  }
}
