import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseFrame } from '../../src/logplex/frame.ts';
import type { LogRecord } from '../../src/logplex/record.ts';
import type { Captured, HerokuPrefix } from './capture-golden.ts';
import { recordsOf } from './golden-truth.ts';
import type { SentStatement } from './golden-workload.ts';

const folder = new URL('../golden/', import.meta.url);

/** Each a run of the workload on a server of that version, with pgaudit on 15. */
export const goldenCaptures: readonly {
  readonly name: string;
  readonly postgres: 15 | 18;
  readonly prefix: HerokuPrefix;
}[] = [
  { name: 'postgres-18-session', postgres: 18, prefix: 'session' },
  { name: 'postgres-18-plain', postgres: 18, prefix: 'plain' },
  { name: 'postgres-18-essential', postgres: 18, prefix: 'essential' },
  { name: 'postgres-15-session', postgres: 15, prefix: 'session' },
  { name: 'postgres-15-essential', postgres: 15, prefix: 'essential' },
];

export interface Golden {
  readonly frame: Uint8Array;
  readonly sent: readonly SentStatement[];
  readonly records: readonly LogRecord[];
  /** The server's jsonlog of the same run. */
  readonly json?: Uint8Array;
}

/** The files of one capture in test/golden. */
export function readGolden(name: string): Golden {
  const path = (end: string) => new URL(`${name}.${end}`, folder);
  const parse = (end: string) => JSON.parse(readFileSync(path(end), 'utf8')) as unknown;
  return {
    frame: readFileSync(path('frame')),
    sent: parse('sent.json') as SentStatement[],
    records: parse('records.json') as LogRecord[],
    ...(existsSync(path('jsonlog')) ? { json: readFileSync(path('jsonlog')) } : {}),
  };
}

/** Writes a capture's files anew: for those who changed the workload, and then read the difference. */
export function writeGolden(name: string, captured: Captured): void {
  const write = (end: string, data: Uint8Array | string) =>
    writeFileSync(new URL(`${name}.${end}`, folder), data);
  write('frame', captured.frame);
  write('sent.json', `${JSON.stringify(captured.sent, null, 1)}\n`);
  const records = recordsOf(parseFrame(captured.frame).lines);
  write('records.json', `${JSON.stringify(records, null, 1)}\n`);
  if (captured.prefix === 'session') write('jsonlog', captured.json);
}
