import { execFile } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { EmbeddedPostgres } from '../../src/demo/embedded-postgres.ts';
import type { Layer } from './layer.ts';
import { bulk, bulkRows } from './workload.ts';

const run = promisify(execFile);

/** One layer in one round. Times in milliseconds. */
export interface Measured {
  readonly insert: number;
  readonly update: number;
  readonly delete: number;
  /** Single-row transactions a second. */
  readonly tps: number;
  /** Stored bytes a change, over the bulk INSERT and UPDATE. */
  readonly bytes: number;
  /** Bytes and lines of server log a single-row statement. */
  readonly logBytes: number;
}

export interface MeasureOptions {
  readonly postgres: EmbeddedPostgres;
  readonly layer: Layer;
  readonly clients: number;
  readonly seconds: number;
  /** File with the single-row transaction. */
  readonly script: string;
  readonly pgbench: string;
}

/** Runs the four workloads on a fresh copy of the template database. */
export async function measure(options: MeasureOptions): Promise<Measured> {
  const { postgres, layer } = options;
  const { user, password } = postgres.superuser;
  const admin = await connect(postgres.url(user, password));
  await admin.query('drop database if exists bench');
  await admin.query('create database bench template bench_template');
  await admin.query('checkpoint');
  const client = await connect(postgres.url(user, password, 'bench'));
  try {
    await layer.install(client);
    const timed = async (sql: string) => {
      const begin = performance.now();
      await client.query(sql);
      return performance.now() - begin;
    };
    const insert = await timed(bulk.insert);
    const update = await timed(bulk.update);
    const bytes = layer.storage === '' ? 0 : (await sizeOf(client, layer.storage)) / (2 * bulkRows);
    await client.query('vacuum analyze accounts');
    await admin.query('checkpoint');
    const logBefore = logSize(postgres.logDirectory);
    const { tps, transactions } = await singleRow(options);
    const logBytes = (logSize(postgres.logDirectory) - logBefore) / Math.max(1, transactions);
    const deleted = await timed(bulk.delete);
    return { insert, update, delete: deleted, tps, bytes, logBytes };
  } finally {
    await client.end();
    await admin.query('drop database bench with (force)');
    await admin.end();
  }
}

async function singleRow(options: MeasureOptions): Promise<{ tps: number; transactions: number }> {
  const { user, password } = options.postgres.superuser;
  const { stdout } = await run(options.pgbench, [
    '-n',
    '-M',
    'prepared',
    '-c',
    String(options.clients),
    '-j',
    '1',
    '-T',
    String(options.seconds),
    '-f',
    options.script,
    options.postgres.url(user, password, 'bench'),
  ]);
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? Number.NaN);
  return {
    tps: number(/^tps = ([0-9.]+)/m),
    transactions: number(/transactions actually processed: ([0-9]+)/),
  };
}

/** pgbench of the PATH or of Debian's Postgres; undefined where there is none. */
export function findPgbench(path: string): string | undefined {
  const debian = '/usr/lib/postgresql';
  const folders = [
    ...path.split(':'),
    ...(existsSync(debian)
      ? readdirSync(debian).map((version) => join(debian, version, 'bin'))
      : []),
  ];
  return folders.map((folder) => join(folder, 'pgbench')).find((file) => existsSync(file));
}

export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

async function sizeOf(client: pg.Client, table: string): Promise<number> {
  const { rows } = await client.query<{ size: string }>(
    'select pg_total_relation_size($1::regclass)::text as size',
    [table],
  );
  return Number(rows[0]?.size ?? 0);
}

function logSize(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}
