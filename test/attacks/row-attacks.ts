import { app, archiver, both, everyone, stranger, type Theme } from './try-attack.ts';

const denied = { refused: '42501' };
const columns = 'operation, changed_at, xid, session_role, active_role';
const forged = `('TRUNCATE', now(), '1', 'someone', 'someone')`;

/** DML on history, on the append-only table and on the bookkeeping, by every way that SQL has. */
export const rowAttacks: readonly Theme[] = [
  {
    title: 'changes of history rows',
    prepare: `insert into users (email) values ('first@example.invalid'), ('second@example.invalid');
      delete from users where email like 'second%'`,
    attacks: [
      ...[
        ['saying that a change was another', `update users_history set operation = 'DELETE'`],
        [
          'moving a change in time',
          `update users_history set changed_at = now() - interval '1 year'`,
        ],
        [
          'blaming someone else',
          `update users_history set actor = 'admin', session_role = 'raxx_owner'`,
        ],
        [
          'blaming another request',
          `update users_history set request_id = null, application_name = ''`,
        ],
        ['giving a change another id', `update users_history set id = default`],
        ['updating no row at all', `update users_history set xid = xid where false`],
        ['deleting all of it', `delete from users_history`],
        [
          'deleting by a join',
          `delete from users_history h using users_history o where h.id = o.id`,
        ],
        ['deleting what matches nothing', `delete from users_history where false`],
        ['truncating it', `truncate users_history`],
        ['truncating it with its sequence', `truncate users_history restart identity cascade`],
        ['truncating the captured table, cascading', `truncate users cascade`],
        [
          'merging an update into it',
          `merge into users_history h using (values (1)) s (id) on h.id > s.id
          when matched then update set operation = 'DELETE'`,
        ],
        [
          'merging a delete into it',
          `merge into users_history h using (values (1)) s (id) on true
          when matched then delete`,
        ],
        [
          'deleting in a CTE of a SELECT',
          `with gone as (delete from users_history returning *) select * from gone`,
        ],
        ['deleting in a DO block', `do $$ begin delete from users_history; end $$`],
        ['deleting under EXPLAIN ANALYZE', `explain analyze delete from users_history`],
        [
          'deleting by a prepared statement',
          [`prepare d as delete from users_history`, 'execute d'],
        ],
        [
          'deleting where a cursor stands',
          [
            'begin',
            `declare c cursor for select * from users_history`,
            'fetch c',
            'delete from users_history where current of c',
          ],
        ],
        [
          'deleting through a view of its own',
          [`create temp view v as select * from users_history`, 'delete from v'],
        ],
        [
          'updating through a view with check option',
          [
            `create temp view v as select * from users_history where operation <> '' with check option`,
            `update v set operation = 'DELETE'`,
          ],
        ],
        [
          'deleting through a function with definer rights of its own',
          [
            `create function pg_temp.f() returns void language sql security definer as 'delete from public.users_history'`,
            'select pg_temp.f()',
          ],
        ],
        [
          'deleting through a rule on a view of its own',
          [
            `create temp view v as select 1 as a`,
            `create rule r as on insert to v do instead delete from public.users_history`,
            'insert into v values (1)',
          ],
        ],
        [
          'deleting through a trigger on a table of its own',
          [
            `create temp table t (a int)`,
            `create function pg_temp.f() returns trigger language plpgsql as
            $$ begin delete from public.users_history; return null; end $$`,
            'create trigger x after insert on t for each row execute function pg_temp.f()',
            'insert into t values (1)',
          ],
        ],
      ].map(([title, sql]) => ({
        title: title as string,
        as: both,
        sql: sql as string | string[],
        expects: denied,
      })),
    ],
  },
  {
    title: 'rows put into history',
    prepare: `insert into users (email) values ('first@example.invalid')`,
    attacks: [
      {
        title: 'a row with an id of its choosing',
        as: app,
        sql: `insert into users_history (id, ${columns}) overriding system value values (99, ${forged.slice(1)}`,
        expects: denied,
      },
      {
        title: 'a row with an id, without saying that it overrides',
        as: both,
        sql: `insert into users_history (id, ${columns}) values (99, ${forged.slice(1)}`,
        expects: { refused: '428C9' },
      },
      {
        title: 'a row with an id of its choosing',
        as: [...archiver, ...stranger],
        sql: `insert into users_history (id, ${columns}) overriding system value values (99, ${forged.slice(1)}`,
        expects: denied,
      },
      {
        title: 'overwriting a row by ON CONFLICT DO UPDATE',
        as: everyone,
        sql: `insert into users_history (${columns}) values ${forged} on conflict (id) do update set operation = 'DELETE'`,
        // History has no unique key: nothing that a row holds can keep another from being captured.
        expects: { refused: '42P10' },
      },
      {
        title: 'a row of nothing',
        as: app,
        sql: `insert into users_history default values`,
        expects: { refused: '23502' },
      },
      {
        title: 'a row whose operation is none',
        as: app,
        sql: `insert into users_history (${columns}) values ('NOTHING', now(), '1', '', '')`,
        expects: { refused: '23514' },
      },
      ...[
        ['a row', `insert into users_history (${columns}) values ${forged}`],
        [
          'a row by MERGE',
          `merge into users_history using (values (1)) s on false
          when not matched then insert (${columns}) values ${forged}`,
        ],
        [
          'a row from a SELECT of history itself',
          `insert into users_history (${columns}) select ${columns} from users_history limit 1`,
        ],
        [
          'a row by a CTE',
          `with n as (insert into users_history (${columns}) values ${forged} returning 1) select * from n`,
        ],
        ['rows by COPY', `copy users_history (${columns}) from stdin`],
      ].map(([title, sql]) => ({
        title: title as string,
        as: [...archiver, ...stranger],
        sql: sql as string,
        expects: denied,
      })),
      {
        title: 'a row, as the runbook grants it',
        as: app,
        sql: `insert into trades_history (${columns}) values ${forged}`,
        expects: {
          harmless: 'it adds a row under its own name in the log, and changes none',
          adds: [{ table: 'trades_history'.replace('_history', ''), operation: 'TRUNCATE' }],
        },
      },
      {
        title: 'a row by MERGE, as the runbook grants inserts',
        as: app,
        sql: `merge into trades_history using (values (1)) s on false
          when not matched then insert (${columns}) values ${forged}`,
        expects: { harmless: 'as an INSERT', adds: [{ table: 'trades', operation: 'TRUNCATE' }] },
      },
      {
        title: 'rows of history from a program or a file of the server',
        as: everyone,
        sql: `copy users_history (${columns}) from program 'true'`,
        expects: denied,
      },
      {
        title: 'history into a file of the server',
        as: both,
        sql: `copy users_history to '/dev/null'`,
        expects: denied,
      },
      ...[
        `select nextval('users_history_id_seq')`,
        `select setval('users_history_id_seq', 1, false)`,
        `select setval('users_history_id_seq', 9223372036854775807)`,
        `alter sequence users_history_id_seq restart`,
        `alter sequence users_history_id_seq maxvalue 2`,
        `alter table users_history alter id restart`,
        `select last_value from users_history_id_seq`,
        `select currval('users_history_id_seq')`,
      ].map((sql) => ({
        title: `the sequence of ids: ${sql}`,
        as: everyone,
        sql,
        expects: denied,
      })),
    ],
  },
  {
    title: 'changes of the append-only table',
    prepare: `insert into customer_audit_events values ('e1', 'd', 1, 'a', 't', 'x', now())`,
    attacks: [
      ...[
        `update customer_audit_events set actor_id = 'x'`,
        `update customer_audit_events set actor_id = 'x' where false`,
        `delete from customer_audit_events`,
        `truncate customer_audit_events`,
        `insert into customer_audit_events values ('e1', 'd', 1, 'a', 't', 'x', now())
          on conflict (id) do update set actor_id = 'x'`,
        `merge into customer_audit_events c using (values ('e1')) s (id) on c.id = s.id when matched then delete`,
        `with gone as (delete from customer_audit_events returning *) select * from gone`,
        `select * from customer_audit_events for update`,
        `alter table customer_audit_events disable trigger all`,
        `drop trigger pgwitness_append_only on customer_audit_events`,
        `create or replace trigger pgwitness_append_only before update on customer_audit_events
          for each statement execute function suppress_redundant_updates_trigger()`,
        `alter table customer_audit_events alter id type varchar`,
        `drop table customer_audit_events`,
        `create rule r as on insert to customer_audit_events do instead nothing`,
      ].map((sql) => ({ title: sql.replace(/\s+/g, ' '), as: everyone, sql, expects: denied })),
      {
        title: 'an event under the id of another',
        as: app,
        sql: `insert into customer_audit_events values ('e1', 'd', 1, 'b', 't', 'x', now())`,
        expects: { refused: '23505' },
      },
    ],
  },
  {
    title: 'changes of the bookkeeping',
    attacks: [
      `update pgwitness.captured_table set fingerprint = repeat('0', 64)`,
      'delete from pgwitness.captured_table',
      'delete from pgwitness.migration',
      `insert into pgwitness.role_setting (role_name, setting, value) values ('raptor_app', 'x', 'y')`,
      'truncate pgwitness.captured_table, pgwitness.migration, pgwitness.role_setting',
      'drop table pgwitness.captured_table',
      'drop schema pgwitness cascade',
      'alter schema pgwitness rename to witness',
      'create table pgwitness.witness (a int)',
      `create function pgwitness.now() returns timestamptz language sql as 'select null::timestamptz'`,
      'create or replace function pgwitness.refuse_change() returns trigger language plpgsql as $$ begin return null; end $$',
      'drop function pgwitness.refuse_change() cascade',
      'alter table pgwitness.migration owner to current_user',
    ].map((sql) => ({ title: sql, as: both, sql, expects: denied })),
  },
];
