import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SmokeWorld, smokePrefix, startSmokeWorld } from '../../test/rig/smoke-world.ts';
import { createRedactor, type Redactor } from '../redact/redactor.ts';
import { searchTexts } from '../redact/search-texts.ts';
import { createTokens } from '../redact/token.ts';
import { recordMatcher } from '../trail/match-record.ts';
import { scanRecords } from '../trail/scan-records.ts';
import { runSmoke, type SmokeOptions } from './smoke.ts';

let redactor: Redactor;
let world: SmokeWorld;

beforeAll(async () => {
  redactor = await createRedactor('a redaction key of 32 characters');
  world = await startSmokeWorld(redactor);
  world.startShipping();
});
afterAll(async () => {
  await world?.stopShipping();
  await world?.close();
});

function run(over: Partial<SmokeOptions> = {}) {
  return runSmoke({
    appUrl: world.urlOf('raptor_app'),
    ownerUrl: world.urlOf('raxx_owner'),
    archive: world.archive,
    prefix: smokePrefix,
    smoke: { ...world.smoke, withinMs: 10_000 },
    tokens: redactor,
    now: Date.now,
    sleep,
    ...over,
  });
}

async function archived(): Promise<string> {
  const root = join(world.folder, 'archive', 'logs');
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  const bodies = files
    .filter((entry) => entry.isFile() && entry.name.endsWith('.gz'))
    .map(async (entry) => gunzipSync(await readFile(join(entry.parentPath, entry.name))));
  return (await Promise.all(bodies)).join('\n');
}

test('the tracer is found by the tokens of its values, and history is proven by the value itself', async () => {
  const report = await run();
  expect(report.stages.map(({ failure }) => failure)).toEqual(Array(4).fill(undefined));
  expect(report.ok).toBe(true);
  const stage = report.stages.find(({ id }) => id === 'archive');
  expect(stage?.title).toBe('find its statement, redacted, in the archive');
  expect(stage?.evidence).toMatch(/\.gz.*, by the token of its value, \d/);
  // Rows are looked up where they are: in the database nothing is redacted.
  const { rows } = await world.owner.query('select after from users_changes where id = $1', [
    report.historyId,
  ]);
  const nonce = report.event.split('-').at(-1) ?? report.event;
  expect(JSON.stringify(rows[0]?.after)).toContain(nonce);
  const stored = await archived();
  expect(stored).toContain(redactor.token(report.event));
  expect(stored).not.toContain(nonce);
});

test('a value that needs escapes and has lines of its own is recognised too', async () => {
  await world.owner.query('create table notes (note text, n numeric)');
  await world.owner.query('grant insert on notes to raptor_app');
  const table = { schema: 'public', name: 'notes' };
  const row = { note: "it's {nonce} C:\\\nsecond line", n: -4.5 };
  const report = await run({
    smoke: { ...world.smoke, withinMs: 10_000, event: { table, row } },
  });
  expect(report.stages.find(({ id }) => id === 'archive')).toMatchObject({ ok: true });
});

test('trail finds who wrote a value by its token, and nothing by a part of it', async () => {
  const report = await run();
  const found = async (text: string) => {
    const keep = recordMatcher({
      table: 'customer_audit_events',
      texts: searchTexts(redactor, text),
    });
    const day = 86_400_000;
    const span = { prefix: smokePrefix, since: Date.now() - day, until: Date.now() + day, keep };
    const users = new Set<string | undefined>();
    for await (const entry of scanRecords(world.archive, span)) {
      if (entry.type === 'record') users.add(entry.record.user);
    }
    return [...users];
  };
  expect(await found(report.event)).toEqual(['raptor_app']);
  expect(await found(report.event.slice(0, -1))).toEqual([]);
});

test('a receiver with another key is not proven, and the key is named', async () => {
  const other = createTokens('another redaction key of 32 chars');
  const report = await run({
    tokens: other,
    smoke: { ...world.smoke, withinMs: 1_500 },
  });
  const stage = report.stages.find(({ id }) => id === 'archive');
  expect(stage).toMatchObject({ ok: false });
  expect(stage?.failure?.next).toContain('the same redaction key');
});
