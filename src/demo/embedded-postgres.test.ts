import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRunning } from '../../test/rig/is-running.ts';
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

  it('ends by itself and leaves no folder when the process that started it is killed', async () => {
    const starter = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { startEmbeddedPostgres } = await import(process.argv[1]);
         const { pid, logDirectory } = await startEmbeddedPostgres({ settings: { fsync: 'off' } });
         console.log(JSON.stringify({ pid, logDirectory }));`,
        new URL('../../dist/demo/embedded-postgres.js', import.meta.url).href,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [line] = await once(starter.stdout.setEncoding('utf8'), 'data');
    const { pid, logDirectory } = JSON.parse(line);
    starter.kill('SIGKILL');
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
    await expect
      .poll(() => existsSync(dirname(dirname(logDirectory))), { timeout: 10_000 })
      .toBe(false);
  });
});
