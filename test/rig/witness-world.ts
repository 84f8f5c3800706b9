import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { expect } from 'vitest';
import { installCapture } from '../../src/capture/install.ts';
import type { CaptureTarget } from '../../src/capture/target.ts';
import { jsonLogRecord } from '../../src/logplex/json-log.ts';
import type { LogRecord } from '../../src/logplex/record.ts';
import { readWitnessKey } from '../../src/witness/witness-key.ts';
import { startCaptureWorld, type TestDatabase } from './capture-world.ts';

/** A database in which tests have tables captured and read what the server logs of them. */
export interface WitnessWorld {
  readonly database: TestDatabase;
  readonly owner: pg.Client;
  readonly app: pg.Client;
  readonly superuser: pg.Client;
  readonly logDirectory: string;
  /**
   * Makes a schema of its own with tables as `ddl` makes them, opens it to the application and installs
   * capture; `more` of the target, given the schema's name.
   */
  captured(
    ddl: string,
    tables?: readonly string[],
    more?: (schema: string) => Partial<CaptureTarget>,
  ): Promise<string>;
  /** Installs again, after the tables or the target have changed. */
  reinstall(target: CaptureTarget): Promise<void>;
  targetOf(schema: string, tables: readonly string[], more?: Partial<CaptureTarget>): CaptureTarget;
  key(): Promise<Uint8Array>;
  /** What the server has written to its jsonlog since this was asked the last time. */
  logged(): Promise<LogRecord[]>;
  /** The witness lines among it. */
  lines(): Promise<LogRecord[]>;
  stop(): Promise<void>;
}

/** Starts a server whose log can be read, the embedded one or that of `binaries`. log_statement is off. */
export async function startWitnessWorld(
  binaries?: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<WitnessWorld> {
  const world = await startCaptureWorld(binaries, { log_min_messages: 'warning', ...settings });
  const database = await world.emptyDatabase();
  const owner = await database.connect('raxx_owner');
  const app = await database.connect('raptor_app');
  const superuser = await database.superuser();
  let schemas = 0;
  let marks = 0;
  let read = 0;

  function targetOf(
    schema: string,
    tables: readonly string[],
    more: Partial<CaptureTarget> = {},
  ): CaptureTarget {
    return {
      owner: 'raxx_owner',
      tables: tables.map((name) => ({ schema, name })),
      appendOnly: [],
      roles: [
        { name: 'raptor_app', history: ['select', 'insert'] },
        { name: 'audit_archiver', history: ['select', 'update'] },
      ],
      ...more,
    };
  }

  async function reinstall(target: CaptureTarget): Promise<void> {
    const outcome = await installCapture({ owner }, target);
    const refused = outcome.plan.objects.filter(({ action }) => action === 'refuse');
    expect(refused).toEqual([]);
  }

  async function captured(
    ddl: string,
    tables: readonly string[] = ['t'],
    more: (schema: string) => Partial<CaptureTarget> = () => ({}),
  ): Promise<string> {
    schemas += 1;
    const schema = `s${schemas}`;
    await owner.query(
      `create schema ${schema}; grant usage on schema ${schema} to raptor_app, audit_archiver`,
    );
    for (const client of [owner, app, superuser]) {
      await client.query(`set search_path to ${schema}, public`);
    }
    await owner.query(ddl);
    await owner.query(
      `grant select, insert, update, delete, truncate on all tables in schema ${schema} to raptor_app`,
    );
    await reinstall(targetOf(schema, tables, more(schema)));
    return schema;
  }

  async function logged(): Promise<LogRecord[]> {
    // The collector writes in order: what stands before the mark is there once the mark is.
    marks += 1;
    const mark = `mark ${marks}`;
    await superuser.query(`do $$ begin raise log '${mark}'; end $$`);
    let records: LogRecord[] = [];
    await expect
      .poll(async () => {
        records = await readJsonLog(world.server.logDirectory);
        return records.some(({ message }) => message === mark);
      })
      .toBe(true);
    const fresh = records.slice(read);
    read = records.length;
    return fresh.filter(({ message }) => !/^mark \d+$/.test(message));
  }

  return {
    ...{ database, owner, app, superuser, targetOf, reinstall, captured, logged },
    logDirectory: world.server.logDirectory,
    key: () => readWitnessKey(owner, 'raxx_owner'),
    lines: async () => (await logged()).filter(({ kind }) => kind === 'witness'),
    stop: () => world.stop(),
  };
}

/** All records of the jsonlog files in a folder, in the order written. */
async function readJsonLog(folder: string): Promise<LogRecord[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name))));
  const carrier = {
    ...{ pri: 134, timestamp: '2026-01-01T00:00:00Z', host: 'host', app: 'app' },
    ...{ procid: 'postgres.1', msgid: '-', message: new Uint8Array() },
  };
  return texts.flatMap((text) => {
    // A last line that is still being written has no newline yet.
    const whole = text.subarray(0, text.lastIndexOf(0x0a)).toString('utf8');
    const lines = whole.split('\n').filter((line) => line !== '');
    return lines.map((line) => jsonLogRecord(carrier, Buffer.from(line)));
  });
}
