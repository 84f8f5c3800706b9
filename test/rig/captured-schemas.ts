import type pg from 'pg';
import { expect } from 'vitest';
import { installCapture } from '../../src/capture/install.ts';
import type { CaptureTarget } from '../../src/capture/target.ts';
import { startCaptureWorld, type TestDatabase } from './capture-world.ts';

/** A database of its own in which tests make schemas whose tables are captured. */
export interface CapturedSchemas {
  readonly database: TestDatabase;
  readonly owner: pg.Client;
  readonly app: pg.Client;
  /** `more` of the target, given the schema's name. */
  captured(
    ddl: string,
    tables?: readonly string[],
    more?: (schema: string) => Partial<CaptureTarget>,
  ): Promise<string>;
  history(of?: string): Promise<unknown[][]>;
  stop(): Promise<void>;
}

/** Starts a server with the example's roles: the embedded one, or that of `binaries`. */
export async function startCapturedSchemas(binaries?: string): Promise<CapturedSchemas> {
  const world = await startCaptureWorld(binaries);
  const database = await world.emptyDatabase();
  const owner = await database.connect('raxx_owner');
  const app = await database.connect('raptor_app');
  let schemas = 0;

  /** A schema of the test's own with `tables` as `ddl` makes them, captured, and open to the application. */
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
    for (const client of [owner, app]) await client.query(`set search_path to ${schema}, public`);
    await owner.query(ddl);
    await owner.query(
      `grant select, insert, update, delete, truncate on all tables in schema ${schema} to raptor_app`,
    );
    const outcome = await installCapture(
      { owner },
      {
        owner: 'raxx_owner',
        tables: tables.map((name) => ({ schema, name })),
        appendOnly: [],
        roles: [
          { name: 'raptor_app', history: ['select', 'insert'] },
          { name: 'audit_archiver', history: ['select', 'update'] },
        ],
        ...more(schema),
      },
    );
    expect(
      outcome.kind,
      JSON.stringify(outcome.plan.objects.filter((o) => o.action === 'refuse')),
    ).toBe('installed');
    return schema;
  }

  /** History as `[operation, key, image]`, in the order captured. */
  async function history(of = 't'): Promise<unknown[][]> {
    const { rows } = await owner.query(
      `select operation, row_key, coalesce(after, before) as image
       from "${of.replaceAll('"', '""')}_changes" order by id`,
    );
    return rows.map(({ operation, row_key, image }) => [operation, row_key, image]);
  }

  return { database, owner, app, captured, history, stop: () => world.stop() };
}
