import type { Redactor } from '../redact/redactor.ts';
import type { AccessList, Caller } from './access-list.ts';
import type { Coming, FrameStore } from './frame-store.ts';
import type { IncomingFrame } from './incoming-frame.ts';
import { harmless, type IntakeObserver, placeOf, type Unavailable } from './intake-observer.ts';
import { createMemoryBudget, type Hold } from './memory-budget.ts';
import { prepareFrame } from './prepare-frame.ts';

export interface IntakeOptions {
  readonly access: AccessList;
  readonly store: FrameStore;
  readonly observer: IntakeObserver;
  /** By prefix: whose frames are stored without personal data. */
  readonly redactors?: ReadonlyMap<string, Redactor>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** From the request's headers to the answer at the latest. */
  readonly deadlineMs?: number;
  /** Largest body, packed or unpacked. */
  readonly maxBodyBytes?: number;
  /** Bytes that the bodies of all requests together may take, copies included. */
  readonly maxHeldBytes?: number;
}

/** Status and headers; the answer has no body, and says so by its Content-Length. */
export interface FrameAnswer {
  readonly status: 200 | 401 | 503;
  readonly headers: Readonly<Record<string, string>>;
}

export interface FrameIntake {
  /** Answers a drain's request; never rejects. */
  take(frame: IncomingFrame): Promise<FrameAnswer>;
  /** Bytes of memory taken for bodies. */
  readonly heldBytes: number;
}

/** Logplex gives a request 5,000 ms; the rest is for the way. */
const logplexDeadlineMs = 4_500;
/** Logplex targets 102,400 bytes, a Shield space about 5 MB; unpacked bodies are held to it too. */
const defaultMaxBody = 16 * 1024 * 1024;
const defaultMaxHeld = 192 * 1024 * 1024;
/** A third of the memory is for bodies up to this, so that large ones never hold up a normal drain. */
const smallBody = 1024 * 1024;
/** What a body is held as at most at once: itself, packed, and the object around it; or its pieces. */
const copies = 3;
/** Redacted, it stands beside itself and comes to as much as eight times its bytes, and 2 MB. */
const copiesRedacted = 11;
const moreRedacted = 2 * 1024 * 1024;

/**
 * Takes frames of drains into a store. A 200 says that the sink has the frame durably. A 4xx is final
 * to Logplex and destroys the frame, so only who may not write gets one; an authenticated frame that
 * can't be taken now gets 503, which keeps it with its sender. That goes for one over `maxBodyBytes`
 * too: the sender will give it up after its tries, and tells the loss in an L10.
 */
export function createFrameIntake(options: IntakeOptions): FrameIntake {
  const { access, store, now, redactors } = options;
  const observer = harmless(options.observer);
  const deadlineMs = options.deadlineMs ?? logplexDeadlineMs;
  const maxBody = options.maxBodyBytes ?? defaultMaxBody;
  const maxHeld = options.maxHeldBytes ?? defaultMaxHeld;
  const small = createMemoryBudget(maxHeld / 3);
  const large = createMemoryBudget((maxHeld * 2) / 3);

  return {
    get heldBytes() {
      return small.held + large.held;
    },
    async take(frame) {
      const started = performance.now();
      const token = frame.header('logplex-drain-token');
      const caller = access.identify(frame.header('authorization'), token);
      if (caller === undefined) {
        observer.refused('unauthorized', frame.address);
        return answer(401, { 'WWW-Authenticate': 'Basic realm="pgwitness"' });
      }
      if (caller.oldSecret) observer.oldSecret(caller.prefix, caller.user);
      const coming = store.coming(caller.prefix, frame.connection);
      const taken = await storedOrNot(frame, caller, started, coming);
      coming.answered();
      if (taken === 'stored') return answer(200);
      observer.unavailable(caller.prefix, taken);
      return answer(503);
    },
  };

  /** Never rejects. */
  async function storedOrNot(
    frame: IncomingFrame,
    caller: Caller,
    started: number,
    coming: Coming,
  ): Promise<'stored' | Unavailable> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), deadlineMs);
    const held: Held = { settled: Promise.resolve() };
    try {
      const arrivedAt = now();
      const redactor = redactorOf(caller);
      const announced = frame.announcedBytes;
      if (announced !== undefined && announced > maxBody) return 'too-large';
      const packed = frame.header('content-encoding') !== null;
      const most = announced ?? maxBody;
      const isSmall = most <= smallBody;
      const room = (bytes: number) =>
        redactor === undefined ? bytes * copies : bytes * copiesRedacted + moreRedacted;
      const budget = isSmall ? small : large;
      // A small body that is packed is read before there is memory for what it unpacks to: who sends
      // one slowly must not hold that meanwhile. Large memory is only ever waited for with small held.
      const unpacks = packed && !isSmall ? maxBody : 0;
      const first = packed && isSmall ? most : room(most + unpacks);
      held.hold = await budget.take(first, caller.owner, deadline.signal);
      if (held.hold === undefined) return 'busy';
      const read = await frame.read(maxBody, deadline.signal);
      if (!read.ok) {
        if (read.reason === 'late') held.settled = read.settled;
        return read.reason;
      }
      if (packed && isSmall) {
        const unpacked = await large.take(room(maxBody), caller.owner, deadline.signal);
        if (unpacked === undefined) return 'busy';
        held.hold = both(held.hold, unpacked);
      } else if (!packed) held.hold.keep(room(read.body.length));
      const preparing = prepareFrame(frame, read.body, {
        caller,
        redactor,
        arrivedAt,
        limit: maxBody,
      });
      held.settled = preparing.catch(() => undefined);
      const prepared = await before(preparing, deadline.signal);
      if (prepared === undefined) return 'late';
      // The body itself is held no longer: only its member, and the object around that.
      held.hold.keep(prepared.packed.member.length * 2);
      const stored = await store.store(prepared.packed, started + deadlineMs, coming);
      held.settled = stored.settled;
      if (!stored.ok) return stored.reason;
      const { described, bytes } = prepared;
      const { key, outcome } = stored;
      const seconds = (performance.now() - started) / 1000;
      const token = frame.header('logplex-drain-token');
      observer.stored({ caller, key, outcome, frame: described, token, bytes, arrivedAt, seconds });
      return 'stored';
    } catch (error) {
      observer.unexpected(caller.prefix, placeOf(error));
      return 'internal';
    } finally {
      clearTimeout(timer);
      // A put that hangs, or a sender that goes on, still holds the body: its memory is not free before.
      held.settled.then(() => held.hold?.keep(0));
    }
  }

  /** That of an unclaimed frame is any of those it could be: it must not escape by being nobody's. */
  function redactorOf(caller: Caller): Redactor | undefined {
    for (const prefix of caller.mayBelongTo) {
      const redactor = redactors?.get(prefix);
      if (redactor !== undefined) return redactor;
    }
    return undefined;
  }
}

interface Held {
  hold?: Hold | undefined;
  /** Never rejects. */
  settled: Promise<unknown>;
}

/** Of the second is kept what is to be kept at all. */
function both(first: Hold, second: Hold): Hold {
  return {
    keep(bytes) {
      first.keep(0);
      second.keep(bytes);
    },
  };
}

/** What `work` comes to, or undefined once `signal` aborts. */
function before<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const late = () => resolve(undefined);
    if (signal.aborted) late();
    signal.addEventListener('abort', late, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', late));
  });
}

/** Logplex's client understands Content-Length alone: a chunked answer breaks its connection. */
function answer(
  status: FrameAnswer['status'],
  headers: Readonly<Record<string, string>> = {},
): FrameAnswer {
  return { status, headers: { ...headers, 'Content-Length': '0' } };
}
