import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installCapture } from '../../src/capture/install.ts';
import { planCapture } from '../../src/capture/plan.ts';
import type { CaptureTarget } from '../../src/capture/target.ts';
import { type CaptureWorld, raxxTarget, startCaptureWorld } from '../rig/capture-world.ts';

/** One login for migrations and for the application, as a host's default credential is. */
const shared: CaptureTarget = {
  owner: 'raxx_owner',
  applicationLogin: 'raxx_owner',
  tables: raxxTarget.tables,
  appendOnly: raxxTarget.appendOnly,
  roles: [{ name: 'raxx_owner', logStatement: 'mod', history: ['select'] }],
};

let world: CaptureWorld;
beforeAll(async () => {
  world = await startCaptureWorld(undefined, { log_min_messages: 'warning' });
});
afterAll(() => world.stop());

/** All that the server has logged. */
async function log(): Promise<string> {
  const folder = world.server.logDirectory;
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  return (await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))).join('');
}

test('one login for owner and application can write and leave neither a history row nor a line', async () => {
  const database = await world.database();
  const superuser = await database.superuser();
  const owner = await database.connect('raxx_owner');
  expect((await installCapture({ owner, superuser }, shared)).kind).toBe('installed');

  const login = await database.connect('raxx_owner');
  await login.query(`insert into users (email) values ('before@example.invalid')`);
  const { rows: before } = await login.query('select users_history::text from users_history');
  expect(before).toHaveLength(1);
  // The log works: this statement is in it.
  await expect.poll(log).toContain('before@example.invalid');

  await login.query(`do $$ begin
    alter table users disable trigger user;
    update users set email = 'tampered@example.invalid';
    alter table users enable trigger user;
  end $$`);

  const { rows: live } = await login.query('select email from users');
  expect(live).toEqual([{ email: 'tampered@example.invalid' }]);
  const { rows: after } = await login.query('select users_history::text from users_history');
  expect(after).toEqual(before);
  // Later lines are written after earlier ones: where this one is, that of the DO block would be.
  await login.query(`insert into users (email) values ('after@example.invalid')`);
  await expect.poll(log).toContain('after@example.invalid');
  expect(await log()).not.toContain('tampered@example.invalid');

  // Nor does a plan find anything out of place afterwards.
  const plan = await planCapture({ owner }, shared);
  const drift = plan.objects.filter(({ action }) => !['unchanged', 'blocked'].includes(action));
  expect(drift.map(({ name, why }) => `${name}: ${why}`)).toEqual([]);
});

test('the plan says so, and what it means', async () => {
  const database = await world.database();
  const owner = await database.connect('raxx_owner');
  const finding = expect.stringMatching(
    /raxx_owner is both the owner and a role of the application: .*switch capture off and on again.*evidence of tampering at best.*role of its own/,
  );
  expect((await planCapture({ owner }, shared)).notes).toContainEqual(finding);
  // The same where only the roles say it, or only the connection.
  const { applicationLogin: _, ...byRole } = shared;
  expect((await planCapture({ owner }, byRole)).notes).toContainEqual(finding);
  const byLogin = { ...raxxTarget, applicationLogin: 'raxx_owner' };
  expect((await planCapture({ owner }, byLogin)).notes).toContainEqual(finding);
  expect((await planCapture({ owner }, raxxTarget)).notes).not.toContainEqual(finding);
});

test('a member of the owner is told as the same hole', async () => {
  const database = await world.database();
  const superuser = await database.superuser();
  const owner = await database.connect('raxx_owner');
  await superuser.query('grant raxx_owner to audit_archiver');
  try {
    expect((await planCapture({ owner }, raxxTarget)).notes).toContainEqual(
      expect.stringMatching(/^audit_archiver is a member of raxx_owner: it can switch capture off/),
    );
  } finally {
    await superuser.query('revoke raxx_owner from audit_archiver');
  }
});

test('two logins can’t: the same block is refused to the application', async () => {
  const database = await world.installedDatabase();
  const app = await database.connect('raptor_app');
  await expect(
    app.query(`do $$ begin alter table users disable trigger user; end $$`),
  ).rejects.toMatchObject({ code: '42501' });
});
