import pc from 'picocolors';
import type { Archive } from '../sink/sink.ts';
import { lastRecords } from '../trail/last-records.ts';
import { recordMatcher, type TrailFilter } from '../trail/match-record.ts';
import { type ScanProgress, scanRecords } from '../trail/scan-records.ts';
import {
  judgeWitness,
  type WitnessJudgement,
  type WitnessProof,
} from '../witness/judge-witness.ts';
import type { Cli } from './context.ts';
import { harmlessJson, harmlessText, wrapText } from './harmless-text.ts';
import { progressLine } from './progress-line.ts';
import { showRecord } from './show-record.ts';
import { isSuspect, witnessJson } from './show-witness.ts';

/** What `pgwitness trail` was asked for; times in epoch milliseconds. */
export interface TrailQuestion {
  readonly archive: Archive;
  readonly prefix: string;
  readonly app: string;
  readonly since: number;
  readonly until: number;
  /** Nobody asked for `until`: it is no part of the question as told. */
  readonly openEnded: boolean;
  readonly lateMs: number;
  readonly filter: TrailFilter;
  /** At most so many records, the earliest. */
  readonly limit?: number;
  /** At most so many records, the newest. */
  readonly last?: number;
  readonly json: boolean;
  /** What witness lines are held against; without it their codes are not checked. */
  readonly proof?: WitnessProof;
}

/** Records to stdout, all else to stderr. Returns 1 where the answer may lack something, or a witness line is not true. */
export async function printTrail(cli: Cli, asked: TrailQuestion): Promise<0 | 1> {
  const { archive, prefix, since, until, lateMs, limit, json } = asked;
  const paint = pc.createColors(cli.terminal);
  const progress = progressLine(cli);
  const say = (text: string) => {
    progress.clear();
    const clean = harmlessText(text);
    const lines = cli.terminal ? wrapText(clean, 80) : [clean];
    cli.process.stderr.write(`${lines.join('\n')}\n`);
  };
  const print = (text: string) => {
    progress.clear();
    cli.process.stdout.write(text);
  };
  let scanned: ScanProgress = { objects: 0, bytes: 0, key: '' };
  let records = 0;
  let unread = 0;
  let ambiguous = 0;
  let stray = 0;
  let suspect = 0;
  const scan = scanRecords(archive, {
    prefix,
    since,
    until,
    lateMs,
    keep: recordMatcher(asked.filter),
    signal: cli.signal,
    onStray: () => {
      stray += 1;
    },
    onProgress: (now) => {
      scanned = now;
      progress.show(`${now.objects} objects, ${megabytes(now.bytes)} MB, at ${dayOf(now.key)}`);
    },
  });
  const entries = asked.last === undefined ? scan : lastRecords(scan, asked.last, cli.signal);
  for await (const entry of entries) {
    if (entry.type === 'finding') {
      unread += 1;
      say(`unread  ${entry.finding.sentence}`);
      continue;
    }
    const { type: _, record, ...stands } = entry;
    if (records === limit && record.kind !== 'loss') {
      say(`There is more than ${limit} from ${record.time} on: go on with --since ${record.time}.`);
      return unread === 0 && suspect === 0 ? 0 : 1;
    }
    // Losses are no answer to the question but a doubt about it: the limit is not for them.
    if (record.kind !== 'loss') records += 1;
    if (record.ambiguous === true) ambiguous += 1;
    const judgement =
      record.kind === 'witness' ? await judgeWitness(record, asked.proof) : undefined;
    if (judgement !== undefined && isSuspect(judgement)) suspect += 1;
    print(
      json
        ? asJson({ ...record, ...stands }, judgement)
        : `${showRecord(record, paint, judgement)}\n`,
    );
  }
  progress.clear();
  if (cli.signal.aborted) {
    say('Stopped: this is not all.');
    return 1;
  }
  if (records === 0) say(nothingFound(asked, scanned.objects));
  if (ambiguous > 0 && !json) {
    say(
      `${ambiguous} records, marked (ambiguous), can be read in more than one way: the likelier is shown, and no proof may rest on it.`,
    );
  }
  if (stray > 0) {
    say(
      `${stray} more arrived in this time but are stamped after it, or more than --late before: the clock that stamped them is wrong. A wider --since or --until shows them.`,
    );
  }
  if (suspect > 0) {
    say(
      `${suspect} witness lines are not what capture wrote, or history is not what they tell: look at each.`,
    );
  }
  if (unread > 0) say(`${unread} parts of the archive could not be read: this may not be all.`);
  return unread === 0 && suspect === 0 ? 0 : 1;
}

function asJson(record: object, judgement: WitnessJudgement | undefined): string {
  const witness = judgement === undefined ? {} : { witness: witnessJson(judgement) };
  return `${harmlessJson({ ...record, ...witness })}\n`;
}

function nothingFound(asked: TrailQuestion, objects: number): string {
  const from = `from ${new Date(asked.since).toISOString()}`;
  const span = asked.openEnded ? `${from} on` : `${from} to ${new Date(asked.until).toISOString()}`;
  if (objects === 0) {
    return `No records: the archive holds no object of ${asked.app} ${span}. Try an earlier --since; \`pgwitness smoke\` tells whether anything arrives.`;
  }
  const filtered = Object.keys(asked.filter).length > 0;
  return `No records of ${asked.app} ${span} ${filtered ? 'match' : 'are there'} (${objects} object${objects === 1 ? '' : 's'} looked at). Try ${filtered ? 'fewer filters or ' : ''}an earlier --since.`;
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}

/** `2026/06/30` of a key. */
function dayOf(key: string): string {
  return /\d{4}\/\d{2}\/\d{2}/.exec(key)?.[0] ?? '';
}
