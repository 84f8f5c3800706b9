import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';

describe('the embedded Postgres', () => {
  let postgres: EmbeddedPostgres;
  beforeAll(async () => {
    postgres = await startEmbeddedPostgres({ settings: { fsync: 'off' } });
  });
  afterAll(() => postgres?.stop());

  it('keeps its data through a crash and a restart', async () => {
    const query = async (sql: string) => {
      const client = new pg.Client(postgres.url('postgres', postgres.superuser.password));
      await client.connect();
      try {
        return await client.query(sql);
      } finally {
        await client.end();
      }
    };
    await query('create table kept as select 42 as answer');
    await postgres.restart('crash');
    expect((await query('select answer from kept')).rows).toEqual([{ answer: 42 }]);
    expect((await query('show server_version')).rows[0].server_version).toMatch(/^18/);
  });
});
