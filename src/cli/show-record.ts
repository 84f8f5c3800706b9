import type { createColors } from 'picocolors';
import type { LogRecord } from '../logplex/record.ts';
import type { WitnessJudgement } from '../witness/judge-witness.ts';
import { columnsOf, harmlessText, wrapText } from './harmless-text.ts';
import { isSuspect, showWitness } from './show-witness.ts';

const columns = 80;
const indent = '  ';
const gap = '  ';
/** A name that is cut to less says nothing. */
const leastColumns = 6;

/**
 * A record for a person: a line with time (UTC), role, client and application as far as there is room,
 * and kind, below it what was said, at most 80 columns wide; of a witness line what it says and, by
 * `judgement`, what is to be made of it. Nothing of the record can act on the terminal.
 */
export function showRecord(
  record: LogRecord,
  paint: ReturnType<typeof createColors>,
  judgement?: WitnessJudgement,
): string {
  const who = record.user ?? (record.kind === 'loss' ? 'drain' : record.procid);
  const begin = [record.time, harmlessText(who)];
  const end: string[] = [record.kind];
  if (!record.complete) end.push('(parts of it never came)');
  if (record.ambiguous === true) end.push('(ambiguous)');
  const head = [
    ...begin,
    ...clientOf(record, columns - columnsOf([...begin, ...end].join(gap))),
    ...end,
  ];
  const suspect = judgement !== undefined && isSuspect(judgement);
  const bad = suspect || record.kind === 'loss' || record.kind === 'error';
  const color = bad ? paint.red : paint.bold;
  const title = wrapText(head.join(gap), columns).map((line) => color(line));
  return `${[...title, ...bodyOf(record, judgement).flatMap(indented)].join('\n')}\n`;
}

/** Address and application, each cut to the columns that are left, or left out. */
function clientOf(record: LogRecord, columnsLeft: number): string[] {
  const shown: string[] = [];
  let left = columnsLeft;
  // The port says nothing to a person; it is in the JSON.
  for (const text of [record.source?.replace(/\(\d+\)$/, ''), record.application]) {
    // The client chooses its application's name: blanks in it must not look like another column.
    const clean = harmlessText(text ?? '')
      .replace(/ +/g, ' ')
      .trim();
    const room = left - gap.length;
    if (clean === '' || (columnsOf(clean) > room && room < leastColumns)) continue;
    const fitting = cut(clean, room);
    shown.push(fitting);
    left -= gap.length + columnsOf(fitting);
  }
  return shown;
}

function cut(text: string, room: number): string {
  if (columnsOf(text) <= room) return text;
  let kept = '';
  for (const character of text) {
    if (columnsOf(kept + character) > room - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

function bodyOf(record: LogRecord, judgement: WitnessJudgement | undefined): string[] {
  if (record.loss !== undefined) {
    const { code, count, since } = record.loss;
    return [`up to ${count} messages were lost since ${since} (${code})`];
  }
  if (judgement !== undefined) {
    const statement = record.statement === undefined ? [] : [`statement: ${record.statement}`];
    return [...showWitness(judgement, record.message), ...statement];
  }
  const said =
    record.kind === 'statement' ? (record.statement ?? record.message) : messageOf(record);
  const own = record.kind !== 'statement' && record.statement !== undefined;
  return [
    said,
    ...(record.detail === undefined ? [] : [record.detail]),
    ...(own && !said.includes(record.statement) ? [`statement: ${record.statement}`] : []),
  ];
}

function messageOf(record: LogRecord): string {
  if (record.severity === undefined || record.severity === 'LOG') return record.message;
  const state = record.sqlState === undefined ? '' : ` ${record.sqlState}`;
  return `${record.severity}${state}: ${record.message}`;
}

function indented(text: string): string[] {
  const clean = harmlessText(text, { lines: true });
  return wrapText(clean, columns - indent.length).map((line) => `${indent}${line}`.trimEnd());
}
