import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FrameRecorder } from '../../../test/rig/frame-recorder.ts';
import { type CliRun, runCli } from '../../../test/rig/run-cli.ts';
import { makeSmallArchive, type SmallArchive } from '../../../test/rig/small-archive.ts';
import { startWitnessWorld, type WitnessWorld } from '../../../test/rig/witness-world.ts';
import { parseFrame } from '../../logplex/frame.ts';
import { ship } from '../../ship/ship.ts';

describe('pgwitness trail, of witness lines', () => {
  let world: WitnessWorld;
  let small: SmallArchive;
  let config: string;
  let schema: string;
  const recorder = new FrameRecorder();
  let port: number;
  let shipped = 0;
  beforeAll(async () => {
    port = await recorder.listen();
    world = await startWitnessWorld();
    small = await makeSmallArchive('raxx');
    schema = await world.captured(
      'create table t (id int primary key, email text); create table log (note text)',
      ['t'],
      (name) => ({ appendOnly: [{ schema: name, name: 'log' }] }),
    );
    config = join(small.folder, 'pgwitness.yaml');
    await writeFile(config, yaml(small.folder, schema));
  });
  afterAll(async () => {
    await world?.stop();
    await small?.remove();
    await recorder.close();
  });
  let since: string;
  beforeEach(async () => {
    await carry();
    await world.superuser.query('select pg_sleep(0.01)');
    const { rows } = await world.superuser.query(
      `select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS') as now`,
    );
    since = rows[0]?.now;
  });

  /** Brings what the server has logged into the archive, as `pgwitness ship` does. */
  async function carry(): Promise<void> {
    await world.logged();
    await ship({
      logDirectory: world.logDirectory,
      statePath: join(small.folder, 'ship.json'),
      drainUrl: `http://127.0.0.1:${port}/`,
      userAgent: 'pgwitness/test',
      once: true,
      signal: new AbortController().signal,
      now: Date.now,
      report: () => undefined,
    });
    const fresh = recorder.frames.slice(shipped);
    shipped = recorder.frames.length;
    for (const { id, body } of fresh) {
      await small.store(Date.now(), [{ id, lines: parseFrame(body).lines }]);
    }
  }

  async function trail(...args: string[]): Promise<CliRun> {
    await carry();
    const all = ['trail', '--config', config, '--since', since, '--kind', 'witness', ...args];
    return runCli(all, { env: { OWNER_URL: world.database.url('raxx_owner') } });
  }
  const bodyOf = (run: CliRun) =>
    run.stdout
      .split('\n')
      .filter((line) => line.startsWith('  '))
      .map((line) => line.trim());
  const jsonOf = (run: CliRun) =>
    run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).witness);

  test('says what each tells, and that no key was at hand', async () => {
    await world.app.query(`insert into t values (1, 'a@x.invalid'), (2, 'b@x.invalid')`);
    await world.app.query(`insert into log values ('n')`);
    const run = await trail();
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(bodyOf(run).join(' ')).toMatch(
      /^INSERT s1\.t: 2 rows, ids (\d+) to \d+, transaction \d+ \(code not checked\) statement: insert into t values \(1, 'a@x\.invalid'\), \(2, 'b@x\.invalid'\) INSERT s1\.log: 1 row, transaction \d+ \(code not checked\) statement: insert into log values \('n'\)$/,
    );
  });

  test('--json gives the parsed fields, ids and transactions as text', async () => {
    await world.app.query(`update t set email = upper(email) where id = 1`);
    const [unchecked] = jsonOf(await trail('--json'));
    const fields = {
      kind: 'captured',
      table: { schema, name: 't' },
      command: 'UPDATE',
      xid: expect.stringMatching(/^\d+$/),
      sub: expect.any(Number),
      rows: 1,
      firstId: expect.stringMatching(/^\d+$/),
      lastId: expect.stringMatching(/^\d+$/),
      digest: expect.stringMatching(/^[0-9a-f]{32}$/),
    };
    expect(unchecked).toEqual({ ...fields, code: 'not checked', verdict: 'unchecked' });
    const [checked] = jsonOf(await trail('--json', '--verify'));
    expect(checked).toEqual({
      ...{ ...fields, code: 'valid', verdict: 'true' },
      history: { kind: 'equal' },
    });
  });

  test('--verify tells true, forged, repeated and cut ones apart, and ends with 1', async () => {
    await world.app.query(`update t set email = 'c@x.invalid' where id = 1`);
    const [truth] = await world.lines();
    const message = truth?.message ?? '';
    for (const text of [message, message.replace('rows=1', 'rows=9'), message.slice(0, -9)]) {
      await world.app.query(`do $$ begin raise log '%', '${text}'; end $$`);
    }
    await world.app.query(
      `do $$ begin raise log '%', '${message.replace('UPDATE', 'DELETE')}'; end $$`,
    );
    const run = await trail('--verify');
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('4 witness lines are not what capture wrote');
    const told = bodyOf(run).filter((line) => !line.startsWith('statement'));
    expect(told.join(' ')).toMatch(
      /\(code valid\) history: as it was captured .*REPEATED.*AUDIT: WITNESS.*not the form of a witness line.*AUDIT.*not the form.*DELETE.*FORGED/,
    );
  });

  test('--verify tells history that was pseudonymized from history that was altered', async () => {
    await world.app.query(`insert into t values (10, 'x@x.invalid')`);
    await world.app.query(`insert into t values (11, 'y@x.invalid')`);
    const archiver = await world.database.connect('audit_archiver');
    await archiver.query(
      `update ${schema}.t_history set image_1.email = 'token' where (image_1).id = 10`,
    );
    await archiver.end();
    const told = await trail('--verify', '--table', 't');
    expect(bodyOf(told).filter((line) => line.startsWith('history'))).toEqual([
      'history: as it was captured, but for 1 row changed since, as other lines tell',
      'history: as it was captured',
    ]);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    await world.superuser.query('set session_replication_role = replica');
    await world.superuser.query(
      `update ${schema}.t_history set image_1.email = 'z' where (image_1).id = 11`,
    );
    await world.superuser.query('reset session_replication_role');
    const altered = await trail('--verify', '--table', 't');
    expect(bodyOf(altered).at(-2)).toMatch(/^history: ALTERED: 1 row there of 1/);
    expect(altered.code).toBe(1);
  });

  test('--verify needs the owner: another login, another owner or no capture is told', async () => {
    const verify = (url: string) =>
      runCli(['trail', '--config', config, '--verify'], { env: { OWNER_URL: url } });
    const asApp = await verify(world.database.url('raptor_app'));
    expect(asApp).toMatchObject({ code: 2, stdout: '' });
    expect(asApp.stderr).toContain('witness.key-refused');
    const elsewhere = await verify(
      world.database.url('raxx_owner').replace(/\/[^/]*$/, '/postgres'),
    );
    expect(elsewhere.stderr).toContain('witness.key-missing');
    await world.superuser.query('alter table pgwitness.witness_key owner to raptor_app');
    const planted = await verify(world.database.url('raxx_owner'));
    await world.superuser.query('alter table pgwitness.witness_key owner to raxx_owner');
    expect(planted.stderr).toContain('witness.key-not-owned');
    expect(await runCli(['trail', '--config', config, '--verify'])).toMatchObject({ code: 2 });
  });
});

function yaml(folder: string, schema: string): string {
  return `version: 1
archive: { folder: ${JSON.stringify(folder)} }
apps:
  raxx:
    drain: { secret_env: DRAIN_SECRET }
    database:
      owner_url_env: OWNER_URL
      owner: raxx_owner
      tables: [${schema}.t]
`;
}
