import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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
  /** The same with synchronous_commit = on and twice the clients. */
  readonly syncTps: number;
  /** Bytes and lines of server log a single-row statement. */
  readonly logBytes: number;
  readonly logLines: number;
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
    const before = logSize(postgres.logDirectory);
    const { tps, transactions } = await singleRow(options, false);
    const after = logSize(postgres.logDirectory);
    const { tps: syncTps } = await singleRow(options, true);
    const deleted = await timed(bulk.delete);
    const each = Math.max(1, transactions);
    return {
      insert,
      update,
      delete: deleted,
      tps,
      syncTps,
      bytes,
      logBytes: (after.bytes - before.bytes) / each,
      logLines: (after.lines - before.lines) / each,
    };
  } finally {
    await client.end();
    await admin.query('drop database bench with (force)');
    await admin.end();
  }
}

async function singleRow(
  options: MeasureOptions,
  sync: boolean,
): Promise<{ tps: number; transactions: number }> {
  const { user, password } = options.postgres.superuser;
  const clients = String(sync ? options.clients * 2 : options.clients);
  const flags = `-n -M prepared -c ${clients} -j 1 -T ${options.seconds} -f`.split(' ');
  const { stdout } = await run(
    options.pgbench,
    [...flags, options.script, options.postgres.url(user, password, 'bench')],
    { env: { ...process.env, PGOPTIONS: `-c synchronous_commit=${sync ? 'on' : 'off'}` } },
  );
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

function logSize(folder: string): { readonly bytes: number; readonly lines: number } {
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  return {
    bytes: texts.reduce((sum, text) => sum + text.length, 0),
    lines: texts.reduce(
      (sum, text) => sum + text.reduce((n, byte) => n + Number(byte === 10), 0),
      0,
    ),
  };
}
