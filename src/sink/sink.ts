/** What a put found: the object is now durable, or one with this key already was. */
export type PutOutcome = 'stored' | 'exists';

/**
 * Where the receiver puts objects. It can only put: nothing in this interface reads, lists,
 * overwrites or deletes.
 */
export interface Sink {
  /**
   * Stores `body` under `key` unless an object has that key. When this resolves, a crash or a
   * power cut can no longer lose the object. Throws PgwitnessError when it could not store; the
   * object may then exist or not ("failed but persisted"), and the same put may be tried again.
   */
  put(key: string, body: Uint8Array, options?: { signal?: AbortSignal }): Promise<PutOutcome>;
  /** For messages: where objects go, without any secret. */
  readonly description: string;
}

export interface ArchiveObject {
  readonly key: string;
  /** Bytes of the stored object. */
  readonly size: number;
  /** When the store took it, in epoch milliseconds. */
  readonly storedAt: number;
}

/** The same objects, read by another identity. */
export interface Archive {
  /** Objects whose key begins with `prefix`, in key order; `after` leaves out keys up to it. */
  list(prefix: string, options?: { after?: string }): AsyncIterable<ArchiveObject>;
  /** The whole object. Throws PgwitnessError `sink.no-such-object` when there is none. */
  read(key: string): Promise<Uint8Array>;
  readonly description: string;
}
