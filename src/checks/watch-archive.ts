import { fromPostgres } from '../logplex/line-record.ts';
import { parseLoss } from '../logplex/loss.ts';
import type { LogRecord } from '../logplex/record.ts';
import { createStitcher } from '../logplex/stitch.ts';
import type { SyslogLine } from '../logplex/syslog-line.ts';
import { keyWindow, logsPrefix, parseObjectKey } from '../sink/object-key.ts';
import type { Archive } from '../sink/sink.ts';
import { dayPrefixes } from '../trail/day-prefixes.ts';
import { parseObject, readObject } from '../trail/read-object.ts';

/** Clocks of this machine, the receiver and the store may differ by so much. */
const skewMs = 10 * 60_000;
/** Bytes of new lines kept to be stitched again with what is still to come. */
const keptBytes = 64 * 1024 * 1024;

/** A record that holds one of the texts, and the objects its lines stand in. */
export interface Sighting {
  readonly record: LogRecord;
  readonly objects: readonly string[];
}

/** What became new in an archive since the watch began. */
export interface ArchiveWatch {
  /** Reads the objects that are new, and gives each record that holds a text, as often as it is looked for. */
  look(): Promise<Sighting[]>;
  /**
   * As `look`, over a day back: a frame whose first line is old has an old key. Costly where there
   * are many objects, so only for the last look.
   */
  lookFarBack(): Promise<Sighting[]>;
  /** New objects so far, and lines of Postgres in them. */
  readonly seen: {
    readonly objects: number;
    readonly postgresLines: number;
    /** Messages that the transport says it lost. */
    readonly lost: number;
    /** Sentences about what could not be read. */
    readonly unread: readonly string[];
    /** Key of the newest object, new or not. */
    readonly newestKey: string | undefined;
  };
}

interface Kept {
  readonly process: string;
  readonly line: SyslogLine;
  readonly key: string;
}

/**
 * Begins to watch an app's part of an archive for records that hold one of `texts`: what is there now
 * is not new. `now` is the clock (epoch milliseconds).
 */
export async function watchArchive(
  archive: Archive,
  prefix: string,
  texts: readonly string[],
  now: () => number,
): Promise<ArchiveWatch> {
  const begin = now();
  const known = new Set<string>();
  const lines: Kept[] = [];
  const seen = {
    objects: 0,
    postgresLines: 0,
    lost: 0,
    unread: [] as string[],
    newestKey: undefined as string | undefined,
  };
  let bytes = 0;

  async function* unknownKeys(backMs: number): AsyncGenerator<{ key: string; storedAt: number }> {
    const from = begin - backMs;
    const base = logsPrefix(prefix);
    for (const folder of dayPrefixes(base, from, now() + skewMs)) {
      // Keys begin with their time, so those before it need not even be listed.
      for await (const object of archive.list(folder, {
        after: `${dayFolder(base, from)}${from}`,
      })) {
        if (known.has(object.key)) continue;
        known.add(object.key);
        if (seen.newestKey === undefined || object.key > seen.newestKey)
          seen.newestKey = object.key;
        yield object;
      }
    }
  }

  async function takeIn(key: string, touched: Set<string>): Promise<void> {
    const read = await readObject(archive, key);
    if ('finding' in read) {
      seen.unread.push(read.finding.sentence);
      return;
    }
    seen.objects += 1;
    for (const part of parseObject(key, read.bytes)) {
      if ('sentence' in part) {
        seen.unread.push(part.sentence);
        continue;
      }
      for (const line of part.lines) {
        seen.lost += parseLoss(line)?.count ?? 0;
        if (!fromPostgres(line)) continue;
        seen.postgresLines += 1;
        const process = `${line.host} ${line.procid}`;
        touched.add(process);
        lines.push({ process, line, key });
        bytes += line.message.length;
      }
    }
    while (bytes > keptBytes) bytes -= lines.shift()?.line.message.length ?? bytes;
  }

  async function lookBack(backMs: number, storedFrom: number): Promise<Sighting[]> {
    const touched = new Set<string>();
    for await (const object of unknownKeys(backMs)) {
      if (object.storedAt >= storedFrom) await takeIn(object.key, touched);
    }
    return sightings(
      lines.filter((kept) => touched.has(kept.process)),
      texts,
    );
  }

  // What is there now is known from here on.
  for await (const _ of unknownKeys(skewMs));
  return {
    seen,
    look: () => lookBack(skewMs, Number.NEGATIVE_INFINITY),
    lookFarBack: () => lookBack(keyWindow.earlierMs + skewMs, begin - skewMs),
  };
}

/**
 * Stitches the lines of some processes anew: `[N-M]` does not say how many chunks a message has, so
 * what has come is looked at each time, and taken for whole only because it holds a text.
 */
function sightings(lines: readonly Kept[], texts: readonly string[]): Sighting[] {
  const stitcher = createStitcher<string>();
  const found = lines.flatMap(({ line, key }) => stitcher.push(line, key));
  return [...found, ...stitcher.flush()]
    .filter(({ record }) => texts.some((text) => isTold(record, text)))
    .map(({ record, origins }) => ({ record, objects: origins }));
}

/** Whether the text stands in what a record says. */
export function isTold({ statement, message, detail }: LogRecord, text: string): boolean {
  return [statement, message, detail].some((field) => field?.includes(text));
}

function dayFolder(base: string, ms: number): string {
  return dayPrefixes(base, ms, ms)[0] ?? base;
}

/** The time that an object's key tells, as ISO 8601, or undefined. */
export function keyTime(key: string): string | undefined {
  const time = parseObjectKey(key)?.time;
  return time === undefined ? undefined : new Date(time).toISOString();
}
