import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type CaptureWorld,
  startCaptureWorld,
  type TestDatabase,
} from '../../test/rig/capture-world.ts';
import { proposeFrom } from './init.ts';
import type { Proposal } from './proposal.ts';

let world: CaptureWorld;
beforeAll(async () => {
  world = await startCaptureWorld();
});
afterAll(() => world?.stop());

async function proposalOf(database: TestDatabase): Promise<Proposal> {
  const env = { SHOP_OWNER_URL: database.url('raxx_owner') };
  const naming = { app: 'shop', ownerUrlEnv: 'SHOP_OWNER_URL', schema: 'public' };
  return (await proposeFrom(env, naming)).proposal;
}
const codes = ({ findings }: Proposal) => findings.map(({ code }) => code);

test('a role that writes by SET ROLE, by PUBLIC or as a member of the owner is named', async () => {
  const database = await world.database();
  const root = await database.superuser();
  await root.query(`
    create role init_group; create role init_api login noinherit; create role "Init ""Odd""" login;
    grant init_group to init_api; grant insert on trades to init_group;
    grant raxx_owner to "Init ""Odd""";
  `);
  try {
    const proposal = await proposalOf(database);
    expect(proposal.roles.map(({ name }) => name)).toEqual([
      'raxx_owner',
      'Init "Odd"',
      'init_api',
      'raptor_app',
    ]);
    expect(proposal.findings).toContainEqual(
      expect.objectContaining({ code: 'init.member-of-owner', about: ['Init "Odd"'] }),
    );
    await root.query('grant delete on trades to public');
    const all = (await proposalOf(database)).roles.map(({ name }) => name);
    expect(all).toContain('raptor_audit_compliance');
  } finally {
    await root.query('drop owned by init_group, init_api, "Init ""Odd"""');
    await root.query('drop role init_api, init_group, "Init ""Odd"""');
  }
});

test('one credential for the owner and the application is a finding, its consequence spelled out', async () => {
  const database = await world.emptyDatabase();
  const client = await database.connect('raxx_owner');
  await client.query('create table orders (id int primary key)');
  const shared = await proposalOf(database);
  const [finding] = shared.findings;
  expect(finding?.code).toBe('init.shared-credential');
  expect(finding?.sentence).toContain('the application and the owner share one credential');
  expect(finding?.sentence).toContain('evidence of tampering at best, not protection');
  expect(shared.appUrlEnv).toBeUndefined();
  // What the application does is logged all the same.
  expect(shared.roles).toMatchObject([{ name: 'raxx_owner', logStatement: 'mod' }]);
  // With a role of its own the application may still be logged in as the owner.
  await client.query('grant insert on orders to raptor_app');
  const split = await proposalOf(database);
  expect(codes(split)).toContain('init.owner-in-use');
  expect(codes(split)).not.toContain('init.shared-credential');
  await client.end();
  await expect
    .poll(async () => codes(await proposalOf(database)))
    .not.toContain('init.owner-in-use');
});

test('tables of a superuser, and a login that is not their owner, are findings', async () => {
  const database = await world.emptyDatabase();
  const root = await database.superuser();
  await root.query('create table orders (id int primary key)');
  expect(codes(await proposalOf(database))).toEqual(
    expect.arrayContaining(['init.superuser-owns', 'init.not-the-owner']),
  );
});

test('it is told whether log_statement can be had, and what carries the trail where it can’t', async () => {
  const database = await world.database();
  const root = await database.superuser();
  const as = async (prefix: string, log: string) => {
    await root.query(`alter system set log_line_prefix = '${prefix}'`);
    await root.query(`alter system set log_statement = '${log}'`);
    await root.query('select pg_reload_conf()');
    const settled = async () => {
      const client = await database.connect('raxx_owner');
      const { rows } = await client.query('select current_setting($1) p, current_setting($2) l', [
        'log_line_prefix',
        'log_statement',
      ]);
      await client.end();
      return rows[0];
    };
    await expect.poll(settled).toEqual({ p: prefix, l: log });
    return proposalOf(database);
  };
  const ofLog = (proposal: Proposal) => codes(proposal).filter((code) => code.includes('log-'));
  try {
    const plain = await as('%m [%p] ', 'none');
    expect(ofLog(plain)).toEqual(['init.log-statement-blocked']);
    expect(plain.roles[1]).toMatchObject({ name: 'raptor_app', logStatement: 'mod' });
    expect(plain.superuserUrlEnv).toBe('SHOP_SUPERUSER_URL');

    const essential = await as(
      ' database = %d connection_source = %r sql_error_code = %e ',
      'none',
    );
    expect(ofLog(essential)).toEqual(['init.log-statement-refused']);
    expect(essential.findings.map(({ sentence }) => sentence).join()).toContain(
      'the witness lines carry the trail alone',
    );
    expect(essential.roles.every(({ logStatement }) => logStatement === undefined)).toBe(true);
    expect(essential.superuserUrlEnv).toBeUndefined();
    expect(essential.leaves.join()).not.toContain('as log_statement has them logged');

    const standard = await as(' sql_error_code = %e time_ms = "%m" ', 'none');
    expect(ofLog(standard)).toEqual(['init.log-statement-by-api']);
    expect(ofLog(await as(' sql_error_code = %e ', 'mod'))).toEqual([]);
  } finally {
    await as('%m [%p] ', 'none');
    await root.query('alter system reset all');
    await root.query('select pg_reload_conf()');
  }
});

test('a login that may set log_statement needs no other one', async () => {
  const database = await world.database();
  const root = await database.superuser();
  await root.query('grant set on parameter log_statement to raxx_owner');
  await root.query('alter role raxx_owner createrole');
  try {
    await root.query('grant raptor_app to raxx_owner with admin option');
    const proposal = await proposalOf(database);
    expect(codes(proposal)).not.toContain('init.log-statement-blocked');
    expect(proposal.superuserUrlEnv).toBeUndefined();
  } finally {
    await root.query('revoke set on parameter log_statement from raxx_owner');
    await root.query('revoke admin option for raptor_app from raxx_owner');
    await root.query('alter role raxx_owner nocreaterole');
  }
});
