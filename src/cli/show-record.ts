import type { createColors } from 'picocolors';
import type { LogRecord } from '../logplex/record.ts';
import { harmlessText, wrapText } from './harmless-text.ts';

const columns = 80;
const indent = '  ';

/**
 * A record for a person: a line with time (UTC), role and kind, below it what was said, at most 80
 * columns wide. Nothing of the record can act on the terminal.
 */
export function showRecord(record: LogRecord, paint: ReturnType<typeof createColors>): string {
  const who = record.user ?? (record.kind === 'loss' ? 'drain' : record.procid);
  const head = [record.time, harmlessText(who), record.kind];
  if (!record.complete) head.push('(parts of it never came)');
  const color = record.kind === 'loss' || record.kind === 'error' ? paint.red : paint.bold;
  const title = wrapText(head.join('  '), columns).map((line) => color(line));
  return `${[...title, ...bodyOf(record).flatMap(indented)].join('\n')}\n`;
}

function bodyOf(record: LogRecord): string[] {
  if (record.loss !== undefined) {
    const { code, count, since } = record.loss;
    return [`up to ${count} messages were lost since ${since} (${code})`];
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
