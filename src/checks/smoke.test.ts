import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { withFolder } from '../../test/rig/right-config.ts';
import { runCli } from '../../test/rig/run-cli.ts';
import {
  smokePrefix as prefix,
  type SmokeWorld,
  smokeConfigPath,
  startSmokeWorld,
} from '../../test/rig/smoke-world.ts';
import type { SmokeConfig } from '../config/config.ts';
import { createTokens } from '../redact/token.ts';
import type { Archive } from '../sink/sink.ts';
import { runSmoke, type SmokeOptions, type SmokeReport } from './smoke.ts';

let world: SmokeWorld;
let superuser: pg.Client;
let owner: pg.Client;
let archive: Archive;
let folder: string;
let smoke: SmokeConfig;

beforeAll(async () => {
  world = await startSmokeWorld();
  ({ superuser, owner, archive, folder, smoke } = world);
  await owner.query('create table unwitnessed (note text)');
  await owner.query('grant insert on unwitnessed to raptor_app');
});
afterAll(() => world?.close());
beforeEach(() => startShipping());
afterEach(() => stopShipping());

const startShipping = () => world.startShipping();
const stopShipping = () => world.stopShipping();
const urlOf: SmokeWorld['urlOf'] = (role) => world.urlOf(role);

function run(over: Partial<SmokeOptions> = {}): Promise<SmokeReport> {
  return runSmoke({
    appUrl: urlOf('raptor_app'),
    ownerUrl: urlOf('raxx_owner'),
    archive,
    prefix,
    smoke: { ...smoke, withinMs: 3_000 },
    now: Date.now,
    sleep,
    ...over,
  });
}

/** A table that no trigger of ours is on. */
const unwitnessed = {
  table: { schema: 'public', name: 'unwitnessed' },
  row: { note: 'smoke-{nonce}' },
};

const okOf = (report: SmokeReport) => report.stages.map(({ id, ok }) => `${id} ${ok}`);
const stageOf = (report: SmokeReport, id: string) => report.stages.find((stage) => stage.id === id);

describe('runSmoke', () => {
  test("what raptor_app writes is found in the archive and the owner's row in history", async () => {
    const told: string[] = [];
    const report = await run({
      smoke: { ...smoke, withinMs: 10_000 },
      onBegin: ({ id }) => told.push(`begin ${id}`),
      onStage: ({ id }) => told.push(`end ${id}`),
    });
    expect(report.stages.map(({ failure }) => failure)).toEqual(Array(4).fill(undefined));
    expect(report.ok).toBe(true);
    expect(told).toEqual(
      ['write', 'archive', 'history', 'clean'].flatMap((id) => [`begin ${id}`, `end ${id}`]),
    );
    expect(report.lagMs).toBeGreaterThanOrEqual(0);
    const { rows: events } = await owner.query(
      'select 1 from customer_audit_events where id = $1',
      [report.event],
    );
    expect(events).toHaveLength(1);
    const { rows: history } = await owner.query(
      'select operation, after from users_changes where id = $1',
      [report.historyId],
    );
    expect(history[0]?.operation).toBe('INSERT');
    expect(JSON.stringify(history[0]?.after)).toContain(report.event.split('-').at(-1));
    const { rows: left } = await owner.query("select 1 from users where email like 'smoke-%'");
    expect(left).toHaveLength(0);
    expect(report.objectKey).toMatch(/^logs\/raxx-api-prod\/.*\.gz$/);
  });

  test('pgwitness smoke prints each stage and what was proven, and ends with 0 or 1', async () => {
    const path = join(folder, 'pgwitness.yaml');
    const example = await readFile(smokeConfigPath, 'utf8');
    await writeFile(path, withFolder(example, join(folder, 'archive')));
    const env = {
      RAXX_PROD_APP_URL: urlOf('raptor_app'),
      RAXX_PROD_OWNER_URL: urlOf('raxx_owner'),
    };
    const args = ['smoke', '--config', path, '--app', prefix];
    const proven = await runCli([...args, '--within', '10s'], { env });
    expect(proven).toMatchObject({ code: 0, stderr: '' });
    expect(proven.stdout.match(/^✓/gm)).toHaveLength(4);
    expect(proven.stdout).toMatch(/^object +logs\/raxx-api-prod\/\S+\.gz$/m);
    expect(proven.stdout).toMatch(/^Proven:/m);

    await stopShipping();
    const silent = await runCli([...args, '--within', '300ms'], { env });
    expect(silent.code).toBe(1);
    expect(silent.stdout).toMatch(/^✗ .*\n(.*\n)* +failure mode A \(drain\): Nothing reaches the/m);
    const json = await runCli([...args, '--within', '300ms', '--json'], { env });
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, stages: { length: 4 } });

    const noSecret = await runCli(args, { env: { RAXX_PROD_OWNER_URL: urlOf('raxx_owner') } });
    expect(noSecret).toMatchObject({ code: 2, stdout: '' });
    expect(noSecret.stderr).toContain('RAXX_PROD_APP_URL');
    const nobody = { ...env, RAXX_PROD_APP_URL: 'postgres://u:p@127.0.0.1:1/x' };
    const unreachable = await runCli(args, { env: nobody });
    expect(unreachable.code).toBe(3);
  });

  test('every run is one of its own', async () => {
    const [one, two] = [await run(), await run()];
    expect([one.ok, two.ok]).toEqual([true, true]);
    expect(one.event).not.toBe(two.event);
    expect(one.historyId).not.toBe(two.historyId);
  });

  test('with no log_statement at all the trail is whole by the witness lines alone', async () => {
    await superuser.query('alter role raptor_app reset log_statement');
    try {
      const report = await run();
      expect(report.ok).toBe(true);
      expect(stageOf(report, 'write')?.evidence).toMatch(/log_statement none, witnessed$/);
      expect(stageOf(report, 'archive')?.evidence).toMatch(/\.gz, in its witness line, \d/);
      // Where the line should have come and nothing does, it is the drain that is broken.
      await stopShipping();
      const silent = await run({ smoke: { ...smoke, withinMs: 400 } });
      expect(stageOf(silent, 'archive')).toMatchObject({ ok: false, failure: { mode: 'A' } });
      startShipping();
      // Another session keeps the drain busy, and the server writes no LOG record of this one.
      await superuser.query("alter role raptor_app set log_min_messages = 'fatal'");
      const unlogged = await run({ smoke: { ...smoke, withinMs: 400 } });
      expect(stageOf(unlogged, 'write')?.evidence).not.toContain('witnessed');
      expect(stageOf(unlogged, 'archive')).toMatchObject({ ok: false, failure: { mode: 'B' } });
      await superuser.query('alter role raptor_app reset log_min_messages');
      // The line is there, and the statement is not on it.
      await superuser.query("alter role raptor_app set log_min_error_statement = 'panic'");
      const bare = await run({ smoke: { ...smoke, withinMs: 400 } });
      expect(stageOf(bare, 'archive')).toMatchObject({ ok: false, failure: { mode: 'B' } });
    } finally {
      await superuser.query('alter role raptor_app reset all');
      await superuser.query("alter role raptor_app set log_statement = 'mod'");
    }
  });

  test('a witness that is switched off is not waited for', async () => {
    await superuser.query('alter role raptor_app reset log_statement');
    await superuser.query('alter table customer_audit_events disable trigger user');
    try {
      const report = await run({ smoke: { ...smoke, withinMs: 60_000 } });
      expect(stageOf(report, 'archive')).toMatchObject({ ok: false, failure: { mode: 'B' } });
      expect(stageOf(report, 'archive')?.ms).toBeLessThan(10_000);
    } finally {
      await superuser.query('alter table customer_audit_events enable trigger user');
      await superuser.query("alter role raptor_app set log_statement = 'mod'");
    }
  });

  test('log_statement not set for the role is failure mode B where no witness speaks, and history is proven all the same', async () => {
    await superuser.query('alter role raptor_app reset log_statement');
    await superuser.query("set log_statement = 'all'");
    // Another session keeps the drain busy.
    const busy = setInterval(() => void superuser.query('select 1'), 100);
    try {
      const report = await run({ smoke: { ...smoke, event: unwitnessed, withinMs: 1_000 } });
      expect(okOf(report)).toEqual(['write true', 'archive false', 'history true', 'clean true']);
      expect(report.ok).toBe(false);
      const { failure, evidence } = stageOf(report, 'archive') ?? {};
      expect(failure).toMatchObject({ mode: 'B' });
      expect(failure?.next).toContain("alter role raptor_app set log_statement to 'mod'");
      expect(evidence).toMatch(/objects .* log_statement is none/);
    } finally {
      clearInterval(busy);
      await superuser.query('reset log_statement');
      await superuser.query("alter role raptor_app set log_statement = 'mod'");
    }
  });

  test('where nothing is logged nothing can arrive: that too is mode B, not a broken drain', async () => {
    await superuser.query('alter role raptor_app reset log_statement');
    try {
      let clock = Date.now();
      const waiting = {
        now: () => clock,
        sleep: async (ms: number) => {
          clock += ms;
        },
        smoke: { ...smoke, event: unwitnessed, withinMs: 600_000 },
      };
      const report = await run(waiting);
      const stage = stageOf(report, 'archive');
      expect(stage).toMatchObject({ ok: false, failure: { mode: 'B' } });
      // On its own clock: it is not waited for what can't come.
      expect(stage?.ms).toBeLessThan(10_000);
      // But where something else may log it, it may come until the end.
      await superuser.query('alter role raptor_app set log_min_duration_statement = 3600000');
      expect(stageOf(await run(waiting), 'archive')?.ms).toBeGreaterThanOrEqual(600_000);
    } finally {
      await superuser.query('alter role raptor_app reset log_min_duration_statement');
      await superuser.query("alter role raptor_app set log_statement = 'mod'");
    }
  });

  test('a statement that arrives with its values where they should be redacted proves nothing', async () => {
    const report = await run({ tokens: createTokens('a redaction key of 32 characters') });
    expect(report.ok).toBe(false);
    const stage = stageOf(report, 'archive');
    expect(stage?.evidence).toMatch(/\.gz holds the value itself$/);
    expect(stage?.failure?.meaning).toContain('not redacted');
  });

  test('nothing arriving is failure mode A', async () => {
    await stopShipping();
    const report = await run({ smoke: { ...smoke, withinMs: 400 } });
    expect(report.ok).toBe(false);
    expect(stageOf(report, 'archive')).toMatchObject({ ok: false, failure: { mode: 'A' } });
  });

  test('a disabled trigger is failure mode C and named; the row is taken away all the same', async () => {
    await owner.query('alter table users disable trigger user');
    try {
      const report = await run();
      expect(okOf(report)).toEqual(['write true', 'archive true', 'history false', 'clean true']);
      const { failure, evidence } = stageOf(report, 'history') ?? {};
      expect(failure?.mode).toBe('C');
      expect(evidence).toContain('(disabled)');
    } finally {
      await owner.query('alter table users enable trigger user');
    }
  });

  test('a table that was never captured is failure mode C', async () => {
    await owner.query('create table plain (note text)');
    const trigger = { table: { schema: 'public', name: 'plain' }, row: { note: '{nonce}' } };
    const report = await run({ smoke: { ...smoke, withinMs: 1_500, trigger } });
    expect(stageOf(report, 'history')).toMatchObject({ ok: false, failure: { mode: 'C' } });
    expect((await owner.query('select 1 from plain')).rows).toEqual([]);
  });

  test("the owner's login in place of the application's is told", async () => {
    await superuser.query("alter role raxx_owner set log_statement = 'mod'");
    const report = await run({ appUrl: urlOf('raxx_owner') });
    await superuser.query('alter role raxx_owner reset log_statement');
    expect(report.ok).toBe(true);
    expect(report.notes.join()).toContain('logs in as the owner');
  });

  test('a row that does not fit its table is told with the key to correct, and nothing is looked for', async () => {
    const event = { ...smoke.event, row: { id: '{nonce}', customer_id: 'no number' } };
    const report = await run({ smoke: { ...smoke, withinMs: 60_000, event } });
    expect(stageOf(report, 'write')).toMatchObject({ ok: false });
    expect(stageOf(report, 'write')?.failure?.next).toContain('smoke.event.row');
    // It would have waited a minute for a tracer that nobody wrote.
    expect(stageOf(report, 'archive')?.ms).toBeLessThan(60_000);
  });

  test('a role without INSERT is told so', async () => {
    const event = {
      ...smoke.event,
      table: { schema: 'public', name: 'plain' },
      row: { note: '{nonce}' },
    };
    const report = await run({ smoke: { ...smoke, event } });
    expect(stageOf(report, 'write')?.failure?.meaning).toBe(
      'raptor_app may not insert into public.plain.',
    );
  });

  test('names and values from the configuration are never SQL', async () => {
    await owner.query(
      `create table "odd ""name""" ("a ""b" text, "c'd" text, e numeric, f boolean)`,
    );
    await owner.query('grant insert on "odd ""name""" to raptor_app');
    const event = {
      table: { schema: 'public', name: 'odd "name"' },
      row: {
        'a "b': "');drop table users;--\\' {nonce}",
        "c'd": 'one\ntwo {now}',
        e: -1e21,
        f: true,
      },
    };
    const report = await run({ smoke: { ...smoke, withinMs: 5_000, event } });
    expect(report.ok).toBe(true);
    const { rows } = await owner.query('select * from "odd ""name"""');
    expect(rows[0]?.['a "b']).toBe(`');drop table users;--\\' ${report.event.split(' ').at(-1)}`);
  });

  test('a login that is refused throws before anything is written', async () => {
    const begun: string[] = [];
    const wrong = urlOf('raxx_owner').replace(world.passwords.raxx_owner, 'wrong');
    await expect(
      run({ ownerUrl: wrong, onBegin: ({ id }) => begun.push(id) }),
    ).rejects.toMatchObject({ code: 'capture.connect-wrong-password', exit: 3 });
    expect(begun).toEqual([]);
  });

  test('stopped while it waits, it ends and leaves no row of users', async () => {
    await stopShipping();
    const stop = new AbortController();
    const report = await run({
      // Longer than the test itself may take: only the stop can end it.
      smoke: { ...smoke, withinMs: 600_000 },
      signal: stop.signal,
      onBegin: ({ id }) => {
        if (id === 'archive') setTimeout(() => stop.abort(), 100);
      },
    });
    expect(report.ok).toBe(false);
    expect(okOf(report)).toEqual(['write true', 'archive false']);
  });
});
