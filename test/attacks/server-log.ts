import { createHmac } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parseAuditFields } from '../../src/logplex/audit-fields.ts';
import type { AttackWorld } from './attack-world.ts';

/** One record of the server's jsonlog, as far as these tests look at it. */
export interface LogRecord {
  readonly error_severity: string;
  readonly message: string;
  readonly user?: string;
  readonly context?: string;
  readonly statement?: string;
}

/** A record that says it is a witness line. */
export interface WitnessLine extends LogRecord {
  readonly command: string;
  readonly object: string;
  readonly facts: string;
  /** Whether its code is what the key makes of the rest: worked out here, not by the code under test. */
  readonly genuine: boolean;
}

let marks = 0;

/** All records that the server has written up to now. */
export async function readLog(world: AttackWorld): Promise<readonly LogRecord[]> {
  // The collector writes in order: what stands before the mark is there once the mark is.
  marks += 1;
  const mark = `mark ${marks} of ${process.pid}`;
  await world.look(`do $$ begin raise log '${mark}'; end $$`);
  let records: LogRecord[] = [];
  await expect
    .poll(async () => {
      records = await readFiles(world.world.server.logDirectory);
      return records.some(({ message }) => message === mark);
    })
    .toBe(true);
  return records;
}

async function readFiles(folder: string): Promise<LogRecord[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  // A last line that is still being written has no newline yet.
  const lines = texts.flatMap((text) => text.slice(0, text.lastIndexOf('\n') + 1).split('\n'));
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LogRecord);
}

/** The key of the database under attack. */
export async function readKey(world: AttackWorld): Promise<Buffer> {
  const [row] = await world.look<{ key: Buffer }>('select key from pgwitness.witness_key');
  if (row === undefined) throw new Error('there is no key');
  return row.key;
}

/** HMAC-SHA256 of a line's text, as its code shows it. */
export function codeOf(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(`l${text}`).digest('hex').slice(0, 32);
}

/** The witness lines among `records`, true and forged. */
export function witnessLines(records: readonly LogRecord[], key: Buffer): WitnessLine[] {
  return records.flatMap((record) => {
    const fields = parseAuditFields(record.message.replace(/^AUDIT: /, ''));
    if (!record.message.startsWith('AUDIT: WITNESS,') || fields === undefined) return [];
    const [, , , , command = '', , object = '', , , facts = '', code] = fields;
    const text = record.message.slice(0, record.message.lastIndexOf(','));
    return [{ ...record, command, object, facts, genuine: code === codeOf(key, text) }];
  });
}
