import { logsPrefix, parseObjectKey } from '../sink/object-key.ts';
import type { Archive, ArchiveObject } from '../sink/sink.ts';
import { dayPrefixes } from './day-prefixes.ts';
import { type ReadObject, readObject } from './read-object.ts';

/** Clocks of the database, the receiver and the store may differ by so much. */
const skewMs = 10 * 60_000;
/** Objects asked for before they are needed: hides the way to a store, and bounds the memory. */
const readAhead = 8;

/** An object that may hold lines of a span, with its bytes. */
export interface SpanObject {
  readonly object: ArchiveObject;
  /** The time in its key; where that tells none, the time of the key before it. */
  readonly keyTime: number;
  readonly read: ReadObject;
}

/**
 * The objects of an app that may hold lines from `since` to `until`, in key order. A key's time is
 * that of the frame's first line or of its arrival, so lines lie before it and behind it, by
 * `lateMs` at most; only the day folders so far around the span are listed.
 */
export async function* listObjects(
  archive: Archive,
  span: {
    readonly prefix: string;
    readonly since: number;
    readonly until: number;
    readonly lateMs: number;
    readonly signal?: AbortSignal;
  },
): AsyncGenerator<SpanObject> {
  const margin = span.lateMs + skewMs;
  const [from, to] = [span.since - margin, span.until + margin];
  let lastKeyTime = from;
  let lastKey = '';
  const queue: { object: ArchiveObject; keyTime: number; read: Promise<ReadObject> }[] = [];
  for (const prefix of dayPrefixes(logsPrefix(span.prefix), from, to)) {
    for await (const object of archive.list(prefix)) {
      if (span.signal?.aborted === true) return;
      // What stands in place of a folder is listed for each day that should be in it.
      if (object.key === lastKey) continue;
      lastKey = object.key;
      // What does not tell its time by its key (another program's) may hold anything.
      const told = parseObjectKey(object.key)?.time;
      const keyTime = told ?? lastKeyTime;
      lastKeyTime = keyTime;
      if (told !== undefined && (told < from || told > to)) continue;
      if (storedBefore(object, keyTime, span.since - skewMs)) continue;
      const read = readObject(archive, object.key);
      // It is awaited later, or never: until then a failure is not unheard.
      read.catch(() => undefined);
      queue.push({ object, keyTime, read });
      const next = queue.length > readAhead ? queue.shift() : undefined;
      if (next !== undefined) yield { ...next, read: await next.read };
    }
  }
  for (const next of queue) yield { ...next, read: await next.read };
}

/**
 * No line is younger than the object that holds it. A store's time that lies before the key's own is
 * not believed: a copy of an archive can have any.
 */
function storedBefore(object: ArchiveObject, keyTime: number, time: number): boolean {
  return object.storedAt < time && object.storedAt >= keyTime - skewMs;
}
