import { failed, type Outcome } from './smoke-stage.ts';
import { type ArchiveWatch, isTold, keyTime, type Sighting } from './watch-archive.ts';
import type { WrittenTracer } from './write-tracer.ts';

/** Waits; rejects when the signal aborts. `setTimeout` of `node:timers/promises` is one. */
export type Sleep = (
  ms: number,
  value: undefined,
  options: { readonly signal?: AbortSignal },
) => Promise<unknown>;

/** The tracer's record in the archive. */
export interface FoundTracer {
  /** The object that its line stands in, the last one where it stands in several. */
  readonly objectKey: string;
  /** From the write's answer until it was found. */
  readonly lagMs: number;
}

const firstPauseMs = 50;
const longestPauseMs = 1_000;
/** How long is looked for what, by all that is known, nobody logged. */
const unloggedMs = 2_000;
/** Beside what the watch is about, all that can carry a statement the role wrote. */
const carriers: readonly string[] = ['statement', 'audit', 'witness'];

/**
 * Looks into the archive until the tracer is found or the time is over, which is soon where nothing logs it.
 * `secret`: what has to stand there as a token, and not itself, where values are redacted.
 */
export async function awaitTracer(given: {
  readonly watch: ArchiveWatch;
  readonly tracer: WrittenTracer;
  readonly withinMs: number;
  readonly now: () => number;
  readonly sleep: Sleep;
  readonly signal: AbortSignal | undefined;
  readonly secret: string | undefined;
}): Promise<Outcome<FoundTracer>> {
  const { watch, tracer, now, secret } = given;
  const logged = loggedBy(tracer) !== undefined || tracer.loggedOtherwise;
  const withinMs = logged ? given.withinMs : Math.min(given.withinMs, unloggedMs);
  const written = now();
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const strangers = new Set<string>();
  const proven = (sightings: readonly Sighting[]): Outcome<FoundTracer> | undefined => {
    for (const { record, objects } of sightings) {
      if (!carriers.includes(record.kind)) continue;
      const objectKey = objects.at(-1);
      if (record.user !== tracer.role) strangers.add(record.user ?? 'nobody');
      else if (objectKey !== undefined) {
        const lagMs = now() - written;
        if (secret !== undefined && isTold(record, secret)) return inTheClear(objectKey);
        const where = record.kind === 'witness' ? ', in its witness line' : '';
        const how = secret === undefined ? '' : ', by the token of its value';
        const evidence = `${objectKey}${where}${how}, ${seconds(lagMs)} after the write`;
        return { ok: true, evidence, found: { objectKey, lagMs } };
      }
    }
    return undefined;
  };
  const aborted = () => given.signal?.aborted === true;
  const options = given.signal === undefined ? {} : { signal: given.signal };
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 1.5, longestPauseMs)) {
    const outcome = proven(await watch.look());
    if (outcome !== undefined) return outcome;
    const left = written + withinMs - now();
    if (left <= 0 || aborted()) break;
    try {
      await given.sleep(Math.min(pause, left), undefined, options);
    } catch (error) {
      if (!aborted()) throw error;
    }
  }
  if (aborted()) {
    return failed('stopped before it was found', {
      meaning: 'The test was stopped, so nothing is proven.',
      next: 'Run it again and let it end.',
    });
  }
  return (
    proven(await watch.lookFarBack()) ??
    notFound(watch.seen, tracer, seconds(withinMs), strangers, secret !== undefined)
  );
}

/** What brings the statement into the log, by all that is known; undefined where nothing does for sure. */
function loggedBy({ logStatement, witnessed }: WrittenTracer): string | undefined {
  if (logStatement === 'mod' || logStatement === 'all') return `log_statement ${logStatement}`;
  return witnessed ? 'in the witness line of each write' : undefined;
}

const otherKey =
  ' Values are redacted: the receiver has to have the same redaction key as is set here, or the token looked for is another.';

function inTheClear(objectKey: string): Outcome<never> {
  return failed(`${objectKey} holds the value itself`, {
    meaning:
      'The statement is in the archive, but not redacted: personal data is stored as it came.',
    next: 'Start the receiver anew (or build and set the Lambda function anew) from this configuration, with the redaction key in its environment. What is stored stays as it is until its retention ends.',
  });
}

function notFound(
  seen: ArchiveWatch['seen'],
  tracer: WrittenTracer,
  within: string,
  strangers: ReadonlySet<string>,
  redacted: boolean,
): Outcome<never> {
  const [unread] = seen.unread;
  const more = [
    ...(seen.lost === 0 ? [] : [`the transport tells of up to ${seen.lost} messages lost`]),
    ...(unread === undefined ? [] : [`${seen.unread.length} parts unread, e.g. ${unread}`]),
  ];
  const evidence = (text: string) => [text, ...more].join('; ');
  const logged = loggedBy(tracer);
  const setIt = `Set it and reconnect: \`alter role ${tracer.role} set log_statement to 'mod'\` as a superuser, on Heroku through the data API; \`pgwitness plan\` shows what is missing. Sessions that are open keep the old setting. Where the host refuses that, witness lines carry the statements too: list the table in pgwitness.yaml with \`witness: true\`, and run \`pgwitness install\`.`;
  if (seen.objects === 0 && unread === undefined) {
    const newest = seen.newestKey === undefined ? undefined : keyTime(seen.newestKey);
    const told = evidence(
      `no object for ${within}; the newest is ${newest === undefined ? 'more than a day old, or there is none' : `of ${newest}`}`,
    );
    if (logged === undefined) {
      return failed(`${told}; log_statement is ${tracer.logStatement}`, {
        mode: 'B',
        meaning: `The server does not log what ${tracer.role} writes. Whether the drain works can't be told: there was nothing to carry.`,
        next: setIt,
      });
    }
    return failed(told, {
      mode: 'A',
      meaning:
        'Nothing reaches the archive: the drain is missing, or what is behind it does not store.',
      next: "See that the drain is there (`heroku drains`, or that `pgwitness ship` runs), that the receiver runs and stores into this archive under this prefix, and read the receiver's log.",
    });
  }
  const arrived = `${seen.objects} objects within ${within}, ${seen.postgresLines} lines of Postgres, not the statement`;
  if (strangers.size > 0) {
    return failed(evidence(`${arrived} by ${tracer.role}, but by ${[...strangers].join(', ')}`), {
      meaning: `The statement is in the archive under another role than ${tracer.role}: the log belongs to another login.`,
      next: "Let the application's URL log in as the role itself; a pooler in between may use its own.",
    });
  }
  if (seen.lost > 0 || (unread !== undefined && seen.objects === 0)) {
    return failed(evidence(arrived), {
      meaning: "The statement may be in what was lost or can't be read.",
      next: "Run it again; if it stays, look at the receiver's log and at `pgwitness trail --since 10m`.",
    });
  }
  if (logged !== undefined) {
    return failed(evidence(arrived), {
      meaning: `${tracer.role}'s statements are logged (${logged}) and objects arrive, yet not this one: ${seen.postgresLines === 0 ? "the drain carries other lines than the database's" : 'the log of another database is carried, or it takes longer'}.`,
      next: `See that the drain is that of the app the database is attached to, or that \`pgwitness ship\` follows this server's log_directory; then try a longer --within.${redacted ? otherKey : ''}`,
    });
  }
  return failed(evidence(`${arrived}; log_statement is ${tracer.logStatement}`), {
    mode: 'B',
    meaning: `The server does not log what ${tracer.role} writes.`,
    next: setIt,
  });
}
