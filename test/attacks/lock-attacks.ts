import type { AttackRole } from './attack-world.ts';
import { app, archiver, both, everyone, stranger, type Theme } from './try-attack.ts';

const denied = { refused: '42501' };
const readers: readonly AttackRole[] = both;

/** Locks and open transactions that would hold the application's writes up. */
export const lockAttacks: readonly Theme[] = [
  {
    title: 'locks on what capture writes and reads',
    prepare: `insert into users (email) values ('first@example.invalid')`,
    attacks: [
      ...[
        'access exclusive',
        'exclusive',
        'share row exclusive',
        'share',
        'share update exclusive',
        'row exclusive',
      ].map((mode) => ({
        title: `history in ${mode} mode`,
        as: everyone,
        sql: ['begin', `lock table users_history in ${mode} mode`],
        expects: denied,
        staysOpen: true,
      })),
      {
        title: 'the bookkeeping',
        as: both,
        sql: ['begin', 'lock table pgwitness.captured_table in share mode'],
        expects: denied,
        staysOpen: true,
      },
      {
        title: 'history by way of its view',
        as: everyone,
        sql: ['begin', 'lock table users_changes in access exclusive mode'],
        expects: denied,
      },
      {
        title: 'history in the mode of readers',
        as: readers,
        sql: ['begin', 'lock table users_history in access share mode'],
        expects: { harmless: 'an INSERT does not wait for readers' },
        staysOpen: true,
      },
      {
        title: 'history in the mode of readers',
        as: stranger,
        sql: ['begin', 'lock table users_history in access share mode'],
        expects: denied,
      },
      {
        title: 'history, read in a serializable transaction that stays open',
        as: readers,
        sql: ['begin isolation level serializable', 'select count(*) from users_history'],
        expects: { harmless: 'a single writer conflicts with no one' },
        staysOpen: true,
      },
      {
        title: 'history rows FOR UPDATE',
        as: [...app, ...stranger],
        sql: ['begin', 'select * from users_history for update'],
        expects: denied,
      },
      {
        title: 'history rows FOR KEY SHARE',
        as: [...app, ...stranger],
        sql: ['begin', 'select * from users_history for key share'],
        expects: denied,
      },
      {
        title: 'history rows FOR UPDATE, as the right to pseudonymise allows',
        as: archiver,
        sql: ['begin', 'select * from users_history for update'],
        expects: { harmless: 'capture only ever adds rows, and waits for none' },
        staysOpen: true,
      },
      {
        title: 'advisory locks on the installer’s number and on every relation’s',
        as: everyone,
        sql: [
          'select pg_advisory_lock(8099573796801180531)',
          `select pg_advisory_lock(oid::bigint), pg_advisory_lock(1259, oid::int), pg_advisory_lock(0, oid::int)
             from pg_class where relname ~ '^(users|trades)' and relkind = 'r'`,
          `select pg_advisory_lock(hashtext(relname)), pg_advisory_lock(hashtextextended(relname, 0))
             from pg_class where relname ~ '^(users|trades)' and relkind = 'r'`,
        ],
        expects: { harmless: 'capture takes no advisory lock' },
      },
      {
        title: 'the bookkeeping in the mode of readers',
        as: everyone,
        sql: ['begin', 'lock table pgwitness.captured_table in access share mode'],
        expects: { harmless: 'capture writes nothing there' },
        staysOpen: true,
      },
      {
        title: 'triggers put off to the end of the transaction',
        as: app,
        sql: [
          'begin',
          'set constraints all deferred',
          `insert into users (email) values ('deferred@example.invalid')`,
          'commit',
        ],
        expects: {
          harmless: 'capture’s triggers can’t be deferred',
          adds: [{ table: 'users', operation: 'INSERT' }],
        },
      },
      {
        title: 'a write in a prepared transaction, committed',
        as: app,
        sql: [
          'begin',
          `insert into users (email) values ('committed@example.invalid')`,
          `prepare transaction 'p'`,
          `commit prepared 'p'`,
        ],
        expects: {
          harmless: 'history is part of what is prepared',
          adds: [{ table: 'users', operation: 'INSERT', session_role: 'raptor_app' }],
        },
      },
      {
        title: 'a write in a prepared transaction, rolled back',
        as: app,
        sql: [
          'begin',
          `insert into users (email) values ('prepared@example.invalid')`,
          `prepare transaction 'p'`,
          `rollback prepared 'p'`,
        ],
        expects: { harmless: 'nothing happened' },
      },
      {
        title: 'a prepared transaction that is never ended',
        as: app,
        sql: [
          'begin',
          `insert into users (email) values ('prepared@example.invalid')`,
          'select count(*) from users_history',
          `prepare transaction 'p'`,
        ],
        expects: { harmless: 'it holds up its own key alone' },
        undo: `rollback prepared 'p'`,
      },
      {
        title: 'a write undone by a savepoint, within one that is kept',
        as: app,
        sql: [
          'begin',
          `insert into users (email) values ('kept@example.invalid')`,
          'savepoint s',
          `update users set display_name = 'undone'`,
          'rollback to s',
          'commit',
        ],
        expects: {
          harmless: 'what is undone is not in history either',
          adds: [{ table: 'users', operation: 'INSERT' }],
        },
      },
    ],
  },
];
