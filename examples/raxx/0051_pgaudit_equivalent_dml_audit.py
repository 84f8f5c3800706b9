"""pgaudit-equivalent DML audit

Revision ID: 0051
Revises: 0050

Written by `pgwitness plan --format alembic`. It runs once: after a change of tables, roles or of
`pgwitness.yaml`, or to repair a trigger that was taken off, run `pgwitness install`.

Note: raptor_app may insert into history, and so add rows there that no write made. Capture itself needs no such privilege: leave `insert` out unless the application writes history too.

Note: A row whose JSON would be larger than 1 GB can’t be captured: writing it fails.
"""

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

UPGRADE = (
    """set local role "raxx_owner";""",
    """set local lock_timeout = '1000ms';""",
    """select pg_advisory_xact_lock(8099573796801180531);""",
    """create schema if not exists pgwitness;""",
    """create table if not exists pgwitness.migration (
  number     int primary key,
  name       text not null,
  sha256     text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  applied_at timestamptz not null default now(),
  applied_by text not null default session_user
);""",
    """-- No secret in it: a plan has to work for whoever may only read.
grant usage on schema pgwitness to public;""",
    """grant select on pgwitness.migration to public;""",
    """insert into pgwitness.migration (number, name, sha256)
values ('1', 'bookkeeping', 'bd87d7127cfdb4a396d92c8d51a3ad5cfcf87d402b511c2920956529f84d55bc');""",
    """-- What was installed, so that a later run tells its own objects from another's.
create table pgwitness.captured_table (
  table_schema  text not null,
  table_name    text not null,
  kind          text not null check (kind in ('history', 'append_only')),
  history_name  text,
  function_name text,
  fingerprint   text not null check (fingerprint ~ '^[0-9a-f]{64}$'),
  installed_at  timestamptz not null default now(),
  primary key (table_schema, table_name, kind),
  check ((kind = 'history') = (history_name is not null)),
  check ((kind = 'history') = (function_name is not null))
);""",
    """-- Settings of roles that were set here, with what stood before: uninstall puts that back, no more.
create table pgwitness.role_setting (
  role_name   text not null,
  setting     text not null,
  database    text,
  value       text not null,
  replaced    text,
  set_at      timestamptz not null default now(),
  primary key (role_name, setting)
);""",
    """grant select on pgwitness.captured_table, pgwitness.role_setting to public;""",
    """-- A statement trigger, so that it speaks even where no row would match. It binds everyone who does not
-- own the table; the owner can take it off, which is why the application must not be the owner.
create function pgwitness.refuse_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $refuse$
begin
  raise exception using
    errcode = 'insufficient_privilege',
    message = format('%I.%I is append-only: %s is refused', tg_table_schema, tg_table_name, tg_op),
    hint = 'Rows are only ever added here. What must be corrected is corrected by a further row.';
end
$refuse$;""",
    """revoke all on function pgwitness.refuse_change() from public;""",
    """insert into pgwitness.migration (number, name, sha256)
values ('2', 'app', '54fe470c8a34fddff79ba8e39cbfc382fe58888e1cfd2941e7c45ac89086fa2c');""",
    """-- Whose it is in pgwitness.yaml; null where a migration made it, which does not know.
alter table pgwitness.captured_table add column app text;""",
    """-- One row a change. image: the row after the change, before it for a DELETE; as json, since a row may hold
-- json that jsonb does not take.
create table if not exists "public"."users_history" (
  id               bigint generated always as identity primary key,
  operation        text not null check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  row_key          jsonb,
  image            json,
  check ((operation = 'TRUNCATE') = (image is null))
);""",
    """-- Default privileges may have given anyone anything on the new table and on the sequence of its id.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      c.oid::regclass as relation,
      c.relkind = 'S' as is_sequence,
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_class c, aclexplode(c.relacl) acl
    where acl.grantee <> c.relowner
      and (
        c.oid = to_regclass(format('%I.%I', 'public', 'users_history'))
        or c.oid = pg_get_serial_sequence(format('%I.%I', 'public', 'users_history'), 'id')::regclass
      )
  loop
    execute format(
      'revoke all on %s %s from %s cascade',
      case when held.is_sequence then 'sequence' else 'table' end, held.relation, held.grantee
    );
  end loop;
end
$capture$;""",
    """create index if not exists "users_history_changed_at" on "public"."users_history" using brin (changed_at);""",
    """grant insert (operation, changed_at, xid, session_role, active_role, actor, request_id, application_name, client_addr, partition_name, row_key, image) on "public"."users_history" to "raptor_app";""",
    """grant select on "public"."users_history" to "raptor_app";""",
    """grant select on "public"."users_history" to "audit_archiver";""",
    """grant update (image) on "public"."users_history" to "audit_archiver";""",
    """grant select on "public"."users_history" to "raptor_audit_compliance";""",
    """-- As guard-append-only, for history that a role may pseudonymise: the image may be changed, and nothing else.
create or replace trigger pgwitness_append_only
  before delete or truncate or update of
    id, operation, changed_at, xid, session_role, active_role, actor, request_id, application_name,
    client_addr, partition_name, row_key
  on "public"."users_history"
  for each statement execute function pgwitness.refuse_change();""",
    """-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the
-- writer's search_path, and no image depends on what the writer's session has set.
create or replace function "public"."fn_capture_users_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set extra_float_digits = 1
set TimeZone = 'UTC'
set DateStyle = 'ISO, YMD'
set IntervalStyle = 'postgres'
set bytea_output = 'hex'
set lc_monetary = 'C'
as $capture$
declare
  -- current_user is the owner here: the writer is told by these two.
  writer       text := session_user;
  acting       text := nullif(current_setting('role'), 'none');
  -- set_config(..., true) leaves an empty string behind when its transaction ends.
  actor_id     text := nullif(current_setting('pgwitness.actor', true), '');
  request      text := nullif(current_setting('pgwitness.request_id', true), '');
  application  text := nullif(current_setting('application_name'), '');
  client       inet := inet_client_addr();
  moment       timestamptz := clock_timestamp();
  transaction  xid8 := pg_current_xact_id();
  partition_of text;
  row_key      text;
begin
  -- Not "partition or not" by name: a table can be renamed under its triggers.
  if tg_argv[0] = 'partition' then
    partition_of := format('%I.%I', tg_table_schema, tg_table_name);
  end if;

  if tg_op = 'TRUNCATE' then
    insert into "public"."users_history" (
      operation, changed_at, xid, session_role, active_role, actor, request_id,
      application_name, client_addr, partition_name
    ) values (
      tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
      application, client, partition_of
    );
    return null;
  end if;

  -- The key as it is now: its columns may have been renamed, or another key taken.
  select 'jsonb_build_object('
      || string_agg(format('%L, captured_rows.%I', a.attname, a.attname), ', ' order by a.attnum)
      || ')'
    into row_key
    from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid
      and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    where i.indrelid = tg_relid and i.indisprimary;

  -- The whole row, so that a column added, dropped or renamed can't fail the write or shift a value; as
  -- json, which keeps the text of values that jsonb would refuse; and as captured_rows.*, which no
  -- column can shadow.
  execute format(
    $insert$
      insert into %I.%I (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, row_key, image
      )
      select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, %s, row_to_json(captured_rows.*)
      from captured_rows
    $insert$,
    'public', 'users_history', coalesce(row_key, 'null')
  ) using tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
    application, client, partition_of;
  return null;
end
$capture$;""",
    """-- Whoever may execute a trigger function may hang it on a table of their own, and write history with it.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl
    where f.oid = to_regprocedure(format('%I.%I()', 'public', 'fn_capture_users_history'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', 'public', 'fn_capture_users_history', held.grantee
    );
  end loop;
end
$capture$;""",
    """-- One row a change. image: the row after the change, before it for a DELETE; as json, since a row may hold
-- json that jsonb does not take.
create table if not exists "public"."sessions_history" (
  id               bigint generated always as identity primary key,
  operation        text not null check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  row_key          jsonb,
  image            json,
  check ((operation = 'TRUNCATE') = (image is null))
);""",
    """-- Default privileges may have given anyone anything on the new table and on the sequence of its id.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      c.oid::regclass as relation,
      c.relkind = 'S' as is_sequence,
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_class c, aclexplode(c.relacl) acl
    where acl.grantee <> c.relowner
      and (
        c.oid = to_regclass(format('%I.%I', 'public', 'sessions_history'))
        or c.oid = pg_get_serial_sequence(format('%I.%I', 'public', 'sessions_history'), 'id')::regclass
      )
  loop
    execute format(
      'revoke all on %s %s from %s cascade',
      case when held.is_sequence then 'sequence' else 'table' end, held.relation, held.grantee
    );
  end loop;
end
$capture$;""",
    """create index if not exists "sessions_history_changed_at" on "public"."sessions_history" using brin (changed_at);""",
    """grant insert (operation, changed_at, xid, session_role, active_role, actor, request_id, application_name, client_addr, partition_name, row_key, image) on "public"."sessions_history" to "raptor_app";""",
    """grant select on "public"."sessions_history" to "raptor_app";""",
    """grant select on "public"."sessions_history" to "audit_archiver";""",
    """grant update (image) on "public"."sessions_history" to "audit_archiver";""",
    """grant select on "public"."sessions_history" to "raptor_audit_compliance";""",
    """-- As guard-append-only, for history that a role may pseudonymise: the image may be changed, and nothing else.
create or replace trigger pgwitness_append_only
  before delete or truncate or update of
    id, operation, changed_at, xid, session_role, active_role, actor, request_id, application_name,
    client_addr, partition_name, row_key
  on "public"."sessions_history"
  for each statement execute function pgwitness.refuse_change();""",
    """-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the
-- writer's search_path, and no image depends on what the writer's session has set.
create or replace function "public"."fn_capture_sessions_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set extra_float_digits = 1
set TimeZone = 'UTC'
set DateStyle = 'ISO, YMD'
set IntervalStyle = 'postgres'
set bytea_output = 'hex'
set lc_monetary = 'C'
as $capture$
declare
  -- current_user is the owner here: the writer is told by these two.
  writer       text := session_user;
  acting       text := nullif(current_setting('role'), 'none');
  -- set_config(..., true) leaves an empty string behind when its transaction ends.
  actor_id     text := nullif(current_setting('pgwitness.actor', true), '');
  request      text := nullif(current_setting('pgwitness.request_id', true), '');
  application  text := nullif(current_setting('application_name'), '');
  client       inet := inet_client_addr();
  moment       timestamptz := clock_timestamp();
  transaction  xid8 := pg_current_xact_id();
  partition_of text;
  row_key      text;
begin
  -- Not "partition or not" by name: a table can be renamed under its triggers.
  if tg_argv[0] = 'partition' then
    partition_of := format('%I.%I', tg_table_schema, tg_table_name);
  end if;

  if tg_op = 'TRUNCATE' then
    insert into "public"."sessions_history" (
      operation, changed_at, xid, session_role, active_role, actor, request_id,
      application_name, client_addr, partition_name
    ) values (
      tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
      application, client, partition_of
    );
    return null;
  end if;

  -- The key as it is now: its columns may have been renamed, or another key taken.
  select 'jsonb_build_object('
      || string_agg(format('%L, captured_rows.%I', a.attname, a.attname), ', ' order by a.attnum)
      || ')'
    into row_key
    from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid
      and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    where i.indrelid = tg_relid and i.indisprimary;

  -- The whole row, so that a column added, dropped or renamed can't fail the write or shift a value; as
  -- json, which keeps the text of values that jsonb would refuse; and as captured_rows.*, which no
  -- column can shadow.
  execute format(
    $insert$
      insert into %I.%I (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, row_key, image
      )
      select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, %s, row_to_json(captured_rows.*)
      from captured_rows
    $insert$,
    'public', 'sessions_history', coalesce(row_key, 'null')
  ) using tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
    application, client, partition_of;
  return null;
end
$capture$;""",
    """-- Whoever may execute a trigger function may hang it on a table of their own, and write history with it.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl
    where f.oid = to_regprocedure(format('%I.%I()', 'public', 'fn_capture_sessions_history'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', 'public', 'fn_capture_sessions_history', held.grantee
    );
  end loop;
end
$capture$;""",
    """-- One row a change. image: the row after the change, before it for a DELETE; as json, since a row may hold
-- json that jsonb does not take.
create table if not exists "public"."passkeys_history" (
  id               bigint generated always as identity primary key,
  operation        text not null check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  row_key          jsonb,
  image            json,
  check ((operation = 'TRUNCATE') = (image is null))
);""",
    """-- Default privileges may have given anyone anything on the new table and on the sequence of its id.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      c.oid::regclass as relation,
      c.relkind = 'S' as is_sequence,
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_class c, aclexplode(c.relacl) acl
    where acl.grantee <> c.relowner
      and (
        c.oid = to_regclass(format('%I.%I', 'public', 'passkeys_history'))
        or c.oid = pg_get_serial_sequence(format('%I.%I', 'public', 'passkeys_history'), 'id')::regclass
      )
  loop
    execute format(
      'revoke all on %s %s from %s cascade',
      case when held.is_sequence then 'sequence' else 'table' end, held.relation, held.grantee
    );
  end loop;
end
$capture$;""",
    """create index if not exists "passkeys_history_changed_at" on "public"."passkeys_history" using brin (changed_at);""",
    """grant insert (operation, changed_at, xid, session_role, active_role, actor, request_id, application_name, client_addr, partition_name, row_key, image) on "public"."passkeys_history" to "raptor_app";""",
    """grant select on "public"."passkeys_history" to "raptor_app";""",
    """grant select on "public"."passkeys_history" to "audit_archiver";""",
    """grant update (image) on "public"."passkeys_history" to "audit_archiver";""",
    """grant select on "public"."passkeys_history" to "raptor_audit_compliance";""",
    """-- As guard-append-only, for history that a role may pseudonymise: the image may be changed, and nothing else.
create or replace trigger pgwitness_append_only
  before delete or truncate or update of
    id, operation, changed_at, xid, session_role, active_role, actor, request_id, application_name,
    client_addr, partition_name, row_key
  on "public"."passkeys_history"
  for each statement execute function pgwitness.refuse_change();""",
    """-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the
-- writer's search_path, and no image depends on what the writer's session has set.
create or replace function "public"."fn_capture_passkeys_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set extra_float_digits = 1
set TimeZone = 'UTC'
set DateStyle = 'ISO, YMD'
set IntervalStyle = 'postgres'
set bytea_output = 'hex'
set lc_monetary = 'C'
as $capture$
declare
  -- current_user is the owner here: the writer is told by these two.
  writer       text := session_user;
  acting       text := nullif(current_setting('role'), 'none');
  -- set_config(..., true) leaves an empty string behind when its transaction ends.
  actor_id     text := nullif(current_setting('pgwitness.actor', true), '');
  request      text := nullif(current_setting('pgwitness.request_id', true), '');
  application  text := nullif(current_setting('application_name'), '');
  client       inet := inet_client_addr();
  moment       timestamptz := clock_timestamp();
  transaction  xid8 := pg_current_xact_id();
  partition_of text;
  row_key      text;
begin
  -- Not "partition or not" by name: a table can be renamed under its triggers.
  if tg_argv[0] = 'partition' then
    partition_of := format('%I.%I', tg_table_schema, tg_table_name);
  end if;

  if tg_op = 'TRUNCATE' then
    insert into "public"."passkeys_history" (
      operation, changed_at, xid, session_role, active_role, actor, request_id,
      application_name, client_addr, partition_name
    ) values (
      tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
      application, client, partition_of
    );
    return null;
  end if;

  -- The key as it is now: its columns may have been renamed, or another key taken.
  select 'jsonb_build_object('
      || string_agg(format('%L, captured_rows.%I', a.attname, a.attname), ', ' order by a.attnum)
      || ')'
    into row_key
    from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid
      and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    where i.indrelid = tg_relid and i.indisprimary;

  -- The whole row, so that a column added, dropped or renamed can't fail the write or shift a value; as
  -- json, which keeps the text of values that jsonb would refuse; and as captured_rows.*, which no
  -- column can shadow.
  execute format(
    $insert$
      insert into %I.%I (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, row_key, image
      )
      select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, %s, row_to_json(captured_rows.*)
      from captured_rows
    $insert$,
    'public', 'passkeys_history', coalesce(row_key, 'null')
  ) using tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
    application, client, partition_of;
  return null;
end
$capture$;""",
    """-- Whoever may execute a trigger function may hang it on a table of their own, and write history with it.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl
    where f.oid = to_regprocedure(format('%I.%I()', 'public', 'fn_capture_passkeys_history'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', 'public', 'fn_capture_passkeys_history', held.grantee
    );
  end loop;
end
$capture$;""",
    """-- One row a change. image: the row after the change, before it for a DELETE; as json, since a row may hold
-- json that jsonb does not take.
create table if not exists "public"."subscriptions_history" (
  id               bigint generated always as identity primary key,
  operation        text not null check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  row_key          jsonb,
  image            json,
  check ((operation = 'TRUNCATE') = (image is null))
);""",
    """-- Default privileges may have given anyone anything on the new table and on the sequence of its id.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      c.oid::regclass as relation,
      c.relkind = 'S' as is_sequence,
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_class c, aclexplode(c.relacl) acl
    where acl.grantee <> c.relowner
      and (
        c.oid = to_regclass(format('%I.%I', 'public', 'subscriptions_history'))
        or c.oid = pg_get_serial_sequence(format('%I.%I', 'public', 'subscriptions_history'), 'id')::regclass
      )
  loop
    execute format(
      'revoke all on %s %s from %s cascade',
      case when held.is_sequence then 'sequence' else 'table' end, held.relation, held.grantee
    );
  end loop;
end
$capture$;""",
    """create index if not exists "subscriptions_history_changed_at" on "public"."subscriptions_history" using brin (changed_at);""",
    """grant insert (operation, changed_at, xid, session_role, active_role, actor, request_id, application_name, client_addr, partition_name, row_key, image) on "public"."subscriptions_history" to "raptor_app";""",
    """grant select on "public"."subscriptions_history" to "raptor_app";""",
    """grant select on "public"."subscriptions_history" to "audit_archiver";""",
    """grant update (image) on "public"."subscriptions_history" to "audit_archiver";""",
    """grant select on "public"."subscriptions_history" to "raptor_audit_compliance";""",
    """-- As guard-append-only, for history that a role may pseudonymise: the image may be changed, and nothing else.
create or replace trigger pgwitness_append_only
  before delete or truncate or update of
    id, operation, changed_at, xid, session_role, active_role, actor, request_id, application_name,
    client_addr, partition_name, row_key
  on "public"."subscriptions_history"
  for each statement execute function pgwitness.refuse_change();""",
    """-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the
-- writer's search_path, and no image depends on what the writer's session has set.
create or replace function "public"."fn_capture_subscriptions_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set extra_float_digits = 1
set TimeZone = 'UTC'
set DateStyle = 'ISO, YMD'
set IntervalStyle = 'postgres'
set bytea_output = 'hex'
set lc_monetary = 'C'
as $capture$
declare
  -- current_user is the owner here: the writer is told by these two.
  writer       text := session_user;
  acting       text := nullif(current_setting('role'), 'none');
  -- set_config(..., true) leaves an empty string behind when its transaction ends.
  actor_id     text := nullif(current_setting('pgwitness.actor', true), '');
  request      text := nullif(current_setting('pgwitness.request_id', true), '');
  application  text := nullif(current_setting('application_name'), '');
  client       inet := inet_client_addr();
  moment       timestamptz := clock_timestamp();
  transaction  xid8 := pg_current_xact_id();
  partition_of text;
  row_key      text;
begin
  -- Not "partition or not" by name: a table can be renamed under its triggers.
  if tg_argv[0] = 'partition' then
    partition_of := format('%I.%I', tg_table_schema, tg_table_name);
  end if;

  if tg_op = 'TRUNCATE' then
    insert into "public"."subscriptions_history" (
      operation, changed_at, xid, session_role, active_role, actor, request_id,
      application_name, client_addr, partition_name
    ) values (
      tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
      application, client, partition_of
    );
    return null;
  end if;

  -- The key as it is now: its columns may have been renamed, or another key taken.
  select 'jsonb_build_object('
      || string_agg(format('%L, captured_rows.%I', a.attname, a.attname), ', ' order by a.attnum)
      || ')'
    into row_key
    from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid
      and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    where i.indrelid = tg_relid and i.indisprimary;

  -- The whole row, so that a column added, dropped or renamed can't fail the write or shift a value; as
  -- json, which keeps the text of values that jsonb would refuse; and as captured_rows.*, which no
  -- column can shadow.
  execute format(
    $insert$
      insert into %I.%I (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, row_key, image
      )
      select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, %s, row_to_json(captured_rows.*)
      from captured_rows
    $insert$,
    'public', 'subscriptions_history', coalesce(row_key, 'null')
  ) using tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
    application, client, partition_of;
  return null;
end
$capture$;""",
    """-- Whoever may execute a trigger function may hang it on a table of their own, and write history with it.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl
    where f.oid = to_regprocedure(format('%I.%I()', 'public', 'fn_capture_subscriptions_history'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', 'public', 'fn_capture_subscriptions_history', held.grantee
    );
  end loop;
end
$capture$;""",
    """-- One row a change. image: the row after the change, before it for a DELETE; as json, since a row may hold
-- json that jsonb does not take.
create table if not exists "public"."positions_history" (
  id               bigint generated always as identity primary key,
  operation        text not null check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  row_key          jsonb,
  image            json,
  check ((operation = 'TRUNCATE') = (image is null))
);""",
    """-- Default privileges may have given anyone anything on the new table and on the sequence of its id.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      c.oid::regclass as relation,
      c.relkind = 'S' as is_sequence,
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_class c, aclexplode(c.relacl) acl
    where acl.grantee <> c.relowner
      and (
        c.oid = to_regclass(format('%I.%I', 'public', 'positions_history'))
        or c.oid = pg_get_serial_sequence(format('%I.%I', 'public', 'positions_history'), 'id')::regclass
      )
  loop
    execute format(
      'revoke all on %s %s from %s cascade',
      case when held.is_sequence then 'sequence' else 'table' end, held.relation, held.grantee
    );
  end loop;
end
$capture$;""",
    """create index if not exists "positions_history_changed_at" on "public"."positions_history" using brin (changed_at);""",
    """grant insert (operation, changed_at, xid, session_role, active_role, actor, request_id, application_name, client_addr, partition_name, row_key, image) on "public"."positions_history" to "raptor_app";""",
    """grant select on "public"."positions_history" to "raptor_app";""",
    """grant select on "public"."positions_history" to "audit_archiver";""",
    """grant update (image) on "public"."positions_history" to "audit_archiver";""",
    """grant select on "public"."positions_history" to "raptor_audit_compliance";""",
    """-- As guard-append-only, for history that a role may pseudonymise: the image may be changed, and nothing else.
create or replace trigger pgwitness_append_only
  before delete or truncate or update of
    id, operation, changed_at, xid, session_role, active_role, actor, request_id, application_name,
    client_addr, partition_name, row_key
  on "public"."positions_history"
  for each statement execute function pgwitness.refuse_change();""",
    """-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the
-- writer's search_path, and no image depends on what the writer's session has set.
create or replace function "public"."fn_capture_positions_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set extra_float_digits = 1
set TimeZone = 'UTC'
set DateStyle = 'ISO, YMD'
set IntervalStyle = 'postgres'
set bytea_output = 'hex'
set lc_monetary = 'C'
as $capture$
declare
  -- current_user is the owner here: the writer is told by these two.
  writer       text := session_user;
  acting       text := nullif(current_setting('role'), 'none');
  -- set_config(..., true) leaves an empty string behind when its transaction ends.
  actor_id     text := nullif(current_setting('pgwitness.actor', true), '');
  request      text := nullif(current_setting('pgwitness.request_id', true), '');
  application  text := nullif(current_setting('application_name'), '');
  client       inet := inet_client_addr();
  moment       timestamptz := clock_timestamp();
  transaction  xid8 := pg_current_xact_id();
  partition_of text;
  row_key      text;
begin
  -- Not "partition or not" by name: a table can be renamed under its triggers.
  if tg_argv[0] = 'partition' then
    partition_of := format('%I.%I', tg_table_schema, tg_table_name);
  end if;

  if tg_op = 'TRUNCATE' then
    insert into "public"."positions_history" (
      operation, changed_at, xid, session_role, active_role, actor, request_id,
      application_name, client_addr, partition_name
    ) values (
      tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
      application, client, partition_of
    );
    return null;
  end if;

  -- The key as it is now: its columns may have been renamed, or another key taken.
  select 'jsonb_build_object('
      || string_agg(format('%L, captured_rows.%I', a.attname, a.attname), ', ' order by a.attnum)
      || ')'
    into row_key
    from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid
      and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    where i.indrelid = tg_relid and i.indisprimary;

  -- The whole row, so that a column added, dropped or renamed can't fail the write or shift a value; as
  -- json, which keeps the text of values that jsonb would refuse; and as captured_rows.*, which no
  -- column can shadow.
  execute format(
    $insert$
      insert into %I.%I (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, row_key, image
      )
      select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, %s, row_to_json(captured_rows.*)
      from captured_rows
    $insert$,
    'public', 'positions_history', coalesce(row_key, 'null')
  ) using tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
    application, client, partition_of;
  return null;
end
$capture$;""",
    """-- Whoever may execute a trigger function may hang it on a table of their own, and write history with it.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl
    where f.oid = to_regprocedure(format('%I.%I()', 'public', 'fn_capture_positions_history'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', 'public', 'fn_capture_positions_history', held.grantee
    );
  end loop;
end
$capture$;""",
    """-- One row a change. image: the row after the change, before it for a DELETE; as json, since a row may hold
-- json that jsonb does not take.
create table if not exists "public"."trades_history" (
  id               bigint generated always as identity primary key,
  operation        text not null check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  row_key          jsonb,
  image            json,
  check ((operation = 'TRUNCATE') = (image is null))
);""",
    """-- Default privileges may have given anyone anything on the new table and on the sequence of its id.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      c.oid::regclass as relation,
      c.relkind = 'S' as is_sequence,
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_class c, aclexplode(c.relacl) acl
    where acl.grantee <> c.relowner
      and (
        c.oid = to_regclass(format('%I.%I', 'public', 'trades_history'))
        or c.oid = pg_get_serial_sequence(format('%I.%I', 'public', 'trades_history'), 'id')::regclass
      )
  loop
    execute format(
      'revoke all on %s %s from %s cascade',
      case when held.is_sequence then 'sequence' else 'table' end, held.relation, held.grantee
    );
  end loop;
end
$capture$;""",
    """create index if not exists "trades_history_changed_at" on "public"."trades_history" using brin (changed_at);""",
    """grant insert (operation, changed_at, xid, session_role, active_role, actor, request_id, application_name, client_addr, partition_name, row_key, image) on "public"."trades_history" to "raptor_app";""",
    """grant select on "public"."trades_history" to "raptor_app";""",
    """grant select on "public"."trades_history" to "audit_archiver";""",
    """grant update (image) on "public"."trades_history" to "audit_archiver";""",
    """grant select on "public"."trades_history" to "raptor_audit_compliance";""",
    """-- As guard-append-only, for history that a role may pseudonymise: the image may be changed, and nothing else.
create or replace trigger pgwitness_append_only
  before delete or truncate or update of
    id, operation, changed_at, xid, session_role, active_role, actor, request_id, application_name,
    client_addr, partition_name, row_key
  on "public"."trades_history"
  for each statement execute function pgwitness.refuse_change();""",
    """-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the
-- writer's search_path, and no image depends on what the writer's session has set.
create or replace function "public"."fn_capture_trades_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set extra_float_digits = 1
set TimeZone = 'UTC'
set DateStyle = 'ISO, YMD'
set IntervalStyle = 'postgres'
set bytea_output = 'hex'
set lc_monetary = 'C'
as $capture$
declare
  -- current_user is the owner here: the writer is told by these two.
  writer       text := session_user;
  acting       text := nullif(current_setting('role'), 'none');
  -- set_config(..., true) leaves an empty string behind when its transaction ends.
  actor_id     text := nullif(current_setting('pgwitness.actor', true), '');
  request      text := nullif(current_setting('pgwitness.request_id', true), '');
  application  text := nullif(current_setting('application_name'), '');
  client       inet := inet_client_addr();
  moment       timestamptz := clock_timestamp();
  transaction  xid8 := pg_current_xact_id();
  partition_of text;
  row_key      text;
begin
  -- Not "partition or not" by name: a table can be renamed under its triggers.
  if tg_argv[0] = 'partition' then
    partition_of := format('%I.%I', tg_table_schema, tg_table_name);
  end if;

  if tg_op = 'TRUNCATE' then
    insert into "public"."trades_history" (
      operation, changed_at, xid, session_role, active_role, actor, request_id,
      application_name, client_addr, partition_name
    ) values (
      tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
      application, client, partition_of
    );
    return null;
  end if;

  -- The key as it is now: its columns may have been renamed, or another key taken.
  select 'jsonb_build_object('
      || string_agg(format('%L, captured_rows.%I', a.attname, a.attname), ', ' order by a.attnum)
      || ')'
    into row_key
    from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid
      and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    where i.indrelid = tg_relid and i.indisprimary;

  -- The whole row, so that a column added, dropped or renamed can't fail the write or shift a value; as
  -- json, which keeps the text of values that jsonb would refuse; and as captured_rows.*, which no
  -- column can shadow.
  execute format(
    $insert$
      insert into %I.%I (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, row_key, image
      )
      select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, %s, row_to_json(captured_rows.*)
      from captured_rows
    $insert$,
    'public', 'trades_history', coalesce(row_key, 'null')
  ) using tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
    application, client, partition_of;
  return null;
end
$capture$;""",
    """-- Whoever may execute a trigger function may hang it on a table of their own, and write history with it.
do $capture$
declare
  held record;
begin
  for held in
    select distinct
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl
    where f.oid = to_regprocedure(format('%I.%I()', 'public', 'fn_capture_trades_history'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', 'public', 'fn_capture_trades_history', held.grantee
    );
  end loop;
end
$capture$;""",
    """set local statement_timeout = '1000ms';""",
    """lock table "public"."customer_audit_events", "public"."passkeys", "public"."positions", "public"."sessions", "public"."subscriptions", "public"."trades", "public"."users" in share row exclusive mode;""",
    """set local statement_timeout to default;""",
    """create or replace trigger "trg_users_history"
  after insert on "public"."users"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_users_history"('table');""",
    """create or replace trigger "trg_users_history_update"
  after update on "public"."users"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_users_history"('table');""",
    """create or replace trigger "trg_users_history_delete"
  after delete on "public"."users"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_capture_users_history"('table');""",
    """create or replace trigger "trg_users_history_truncate"
  after truncate on "public"."users"
  for each statement execute function "public"."fn_capture_users_history"('table');""",
    """create or replace trigger "trg_sessions_history"
  after insert on "public"."sessions"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_sessions_history"('table');""",
    """create or replace trigger "trg_sessions_history_update"
  after update on "public"."sessions"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_sessions_history"('table');""",
    """create or replace trigger "trg_sessions_history_delete"
  after delete on "public"."sessions"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_capture_sessions_history"('table');""",
    """create or replace trigger "trg_sessions_history_truncate"
  after truncate on "public"."sessions"
  for each statement execute function "public"."fn_capture_sessions_history"('table');""",
    """create or replace trigger "trg_passkeys_history"
  after insert on "public"."passkeys"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_passkeys_history"('table');""",
    """create or replace trigger "trg_passkeys_history_update"
  after update on "public"."passkeys"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_passkeys_history"('table');""",
    """create or replace trigger "trg_passkeys_history_delete"
  after delete on "public"."passkeys"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_capture_passkeys_history"('table');""",
    """create or replace trigger "trg_passkeys_history_truncate"
  after truncate on "public"."passkeys"
  for each statement execute function "public"."fn_capture_passkeys_history"('table');""",
    """create or replace trigger "trg_subscriptions_history"
  after insert on "public"."subscriptions"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_subscriptions_history"('table');""",
    """create or replace trigger "trg_subscriptions_history_update"
  after update on "public"."subscriptions"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_subscriptions_history"('table');""",
    """create or replace trigger "trg_subscriptions_history_delete"
  after delete on "public"."subscriptions"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_capture_subscriptions_history"('table');""",
    """create or replace trigger "trg_subscriptions_history_truncate"
  after truncate on "public"."subscriptions"
  for each statement execute function "public"."fn_capture_subscriptions_history"('table');""",
    """create or replace trigger "trg_positions_history"
  after insert on "public"."positions"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_positions_history"('table');""",
    """create or replace trigger "trg_positions_history_update"
  after update on "public"."positions"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_positions_history"('table');""",
    """create or replace trigger "trg_positions_history_delete"
  after delete on "public"."positions"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_capture_positions_history"('table');""",
    """create or replace trigger "trg_positions_history_truncate"
  after truncate on "public"."positions"
  for each statement execute function "public"."fn_capture_positions_history"('table');""",
    """create or replace trigger "trg_trades_history"
  after insert on "public"."trades"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_trades_history"('table');""",
    """create or replace trigger "trg_trades_history_update"
  after update on "public"."trades"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_trades_history"('table');""",
    """create or replace trigger "trg_trades_history_delete"
  after delete on "public"."trades"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_capture_trades_history"('table');""",
    """create or replace trigger "trg_trades_history_truncate"
  after truncate on "public"."trades"
  for each statement execute function "public"."fn_capture_trades_history"('table');""",
    """-- Binds everyone but the owner, who can take it off: that leaves a line in the log where the owner's DDL
-- is logged, and `pgwitness plan --check` finds it.
create or replace trigger pgwitness_append_only
  before update or delete or truncate on "public"."customer_audit_events"
  for each statement execute function pgwitness.refuse_change();""",
    """insert into pgwitness.captured_table (
  table_schema, table_name, kind, history_name, function_name, fingerprint, app
) values (
  'public', 'users', 'history', 'users_history', 'fn_capture_users_history', '7d79ea87c02298e57ffe9af7d1d2de694e084313c5f82d742f15abada612c01d', null
)
on conflict (table_schema, table_name, kind) do update set
  history_name = excluded.history_name,
  function_name = excluded.function_name,
  fingerprint = excluded.fingerprint,
  app = coalesce(excluded.app, captured_table.app),
  installed_at = now();""",
    """insert into pgwitness.captured_table (
  table_schema, table_name, kind, history_name, function_name, fingerprint, app
) values (
  'public', 'sessions', 'history', 'sessions_history', 'fn_capture_sessions_history', '5effb395fd03a010b42b5e7dad00f7915dd5aa1da3e5b312a64dadec997b3fc0', null
)
on conflict (table_schema, table_name, kind) do update set
  history_name = excluded.history_name,
  function_name = excluded.function_name,
  fingerprint = excluded.fingerprint,
  app = coalesce(excluded.app, captured_table.app),
  installed_at = now();""",
    """insert into pgwitness.captured_table (
  table_schema, table_name, kind, history_name, function_name, fingerprint, app
) values (
  'public', 'passkeys', 'history', 'passkeys_history', 'fn_capture_passkeys_history', '139199a64588a7a2c4df336724a1a68207287f042ed4e4de990f55ab18dc9206', null
)
on conflict (table_schema, table_name, kind) do update set
  history_name = excluded.history_name,
  function_name = excluded.function_name,
  fingerprint = excluded.fingerprint,
  app = coalesce(excluded.app, captured_table.app),
  installed_at = now();""",
    """insert into pgwitness.captured_table (
  table_schema, table_name, kind, history_name, function_name, fingerprint, app
) values (
  'public', 'subscriptions', 'history', 'subscriptions_history', 'fn_capture_subscriptions_history', 'b8b32351a164c0d76431288c73ce7e0ba09f63bfb89d81a00a9bdc85af03cd4b', null
)
on conflict (table_schema, table_name, kind) do update set
  history_name = excluded.history_name,
  function_name = excluded.function_name,
  fingerprint = excluded.fingerprint,
  app = coalesce(excluded.app, captured_table.app),
  installed_at = now();""",
    """insert into pgwitness.captured_table (
  table_schema, table_name, kind, history_name, function_name, fingerprint, app
) values (
  'public', 'positions', 'history', 'positions_history', 'fn_capture_positions_history', '84e0b2fa12b4fc083cc957f0a9d5e2988ec728747b49080e383c8ac7a92b17f4', null
)
on conflict (table_schema, table_name, kind) do update set
  history_name = excluded.history_name,
  function_name = excluded.function_name,
  fingerprint = excluded.fingerprint,
  app = coalesce(excluded.app, captured_table.app),
  installed_at = now();""",
    """insert into pgwitness.captured_table (
  table_schema, table_name, kind, history_name, function_name, fingerprint, app
) values (
  'public', 'trades', 'history', 'trades_history', 'fn_capture_trades_history', '54fc4be5c49130865aa9226ac27b01cd45fa8c3ceb2c0493881f0c37fe6f6194', null
)
on conflict (table_schema, table_name, kind) do update set
  history_name = excluded.history_name,
  function_name = excluded.function_name,
  fingerprint = excluded.fingerprint,
  app = coalesce(excluded.app, captured_table.app),
  installed_at = now();""",
    """insert into pgwitness.captured_table (
  table_schema, table_name, kind, history_name, function_name, fingerprint, app
) values (
  'public', 'customer_audit_events', 'append_only', null, null, '67d807a060818ba19b23724d63468d43d64fc7c82caf80e98b016626a7d8954c', null
)
on conflict (table_schema, table_name, kind) do update set
  history_name = excluded.history_name,
  function_name = excluded.function_name,
  fingerprint = excluded.fingerprint,
  app = coalesce(excluded.app, captured_table.app),
  installed_at = now();""",
    """set local lock_timeout to default;""",
    """reset role;""",
    """do $capture$
begin
  execute 'alter role "raxx_owner" set log_statement to ''ddl'';';
  insert into pgwitness.role_setting (role_name, setting, database, value, replaced)
  values ('raxx_owner', 'log_statement', null, 'ddl', null)
  on conflict (role_name, setting) do update set
    database = excluded.database, value = excluded.value, set_at = now();
exception when insufficient_privilege then
  -- Capture works without it: the rest of the migration stands.
  raise warning '% was refused to %: have a superuser run it', 'alter role "raxx_owner" set log_statement to ''ddl'';', session_user;
end
$capture$;""",
    """do $capture$
begin
  execute 'alter role "raptor_app" set log_statement to ''mod'';';
  insert into pgwitness.role_setting (role_name, setting, database, value, replaced)
  values ('raptor_app', 'log_statement', null, 'mod', null)
  on conflict (role_name, setting) do update set
    database = excluded.database, value = excluded.value, set_at = now();
exception when insufficient_privilege then
  -- Capture works without it: the rest of the migration stands.
  raise warning '% was refused to %: have a superuser run it', 'alter role "raptor_app" set log_statement to ''mod'';', session_user;
end
$capture$;""",
    """do $capture$
begin
  execute 'alter role "audit_archiver" set log_statement to ''mod'';';
  insert into pgwitness.role_setting (role_name, setting, database, value, replaced)
  values ('audit_archiver', 'log_statement', null, 'mod', null)
  on conflict (role_name, setting) do update set
    database = excluded.database, value = excluded.value, set_at = now();
exception when insufficient_privilege then
  -- Capture works without it: the rest of the migration stands.
  raise warning '% was refused to %: have a superuser run it', 'alter role "audit_archiver" set log_statement to ''mod'';', session_user;
end
$capture$;""",
)

DOWNGRADE = (
    """do $capture$
begin
  delete from pgwitness.role_setting where role_name = 'raxx_owner' and setting = 'log_statement';
  if found then
    execute 'alter role "raxx_owner" reset log_statement;';
  end if;
exception when insufficient_privilege then
  raise warning '% was refused to %: have a superuser run it', 'alter role "raxx_owner" reset log_statement;', session_user;
end
$capture$;""",
    """do $capture$
begin
  delete from pgwitness.role_setting where role_name = 'raptor_app' and setting = 'log_statement';
  if found then
    execute 'alter role "raptor_app" reset log_statement;';
  end if;
exception when insufficient_privilege then
  raise warning '% was refused to %: have a superuser run it', 'alter role "raptor_app" reset log_statement;', session_user;
end
$capture$;""",
    """do $capture$
begin
  delete from pgwitness.role_setting where role_name = 'audit_archiver' and setting = 'log_statement';
  if found then
    execute 'alter role "audit_archiver" reset log_statement;';
  end if;
exception when insufficient_privilege then
  raise warning '% was refused to %: have a superuser run it', 'alter role "audit_archiver" reset log_statement;', session_user;
end
$capture$;""",
    """set local role "raxx_owner";""",
    """set local lock_timeout = '1000ms';""",
    """select pg_advisory_xact_lock(8099573796801180531);""",
    """delete from pgwitness.captured_table where (table_schema, table_name, kind) = ('public', 'customer_audit_events', 'append_only');""",
    """delete from pgwitness.captured_table where (table_schema, table_name, kind) = ('public', 'trades', 'history');""",
    """delete from pgwitness.captured_table where (table_schema, table_name, kind) = ('public', 'positions', 'history');""",
    """delete from pgwitness.captured_table where (table_schema, table_name, kind) = ('public', 'subscriptions', 'history');""",
    """delete from pgwitness.captured_table where (table_schema, table_name, kind) = ('public', 'passkeys', 'history');""",
    """delete from pgwitness.captured_table where (table_schema, table_name, kind) = ('public', 'sessions', 'history');""",
    """delete from pgwitness.captured_table where (table_schema, table_name, kind) = ('public', 'users', 'history');""",
    """drop trigger if exists "pgwitness_append_only" on "public"."customer_audit_events";""",
    """drop trigger if exists "trg_trades_history_truncate" on "public"."trades";""",
    """drop trigger if exists "trg_trades_history_delete" on "public"."trades";""",
    """drop trigger if exists "trg_trades_history_update" on "public"."trades";""",
    """drop trigger if exists "trg_trades_history" on "public"."trades";""",
    """drop trigger if exists "trg_positions_history_truncate" on "public"."positions";""",
    """drop trigger if exists "trg_positions_history_delete" on "public"."positions";""",
    """drop trigger if exists "trg_positions_history_update" on "public"."positions";""",
    """drop trigger if exists "trg_positions_history" on "public"."positions";""",
    """drop trigger if exists "trg_subscriptions_history_truncate" on "public"."subscriptions";""",
    """drop trigger if exists "trg_subscriptions_history_delete" on "public"."subscriptions";""",
    """drop trigger if exists "trg_subscriptions_history_update" on "public"."subscriptions";""",
    """drop trigger if exists "trg_subscriptions_history" on "public"."subscriptions";""",
    """drop trigger if exists "trg_passkeys_history_truncate" on "public"."passkeys";""",
    """drop trigger if exists "trg_passkeys_history_delete" on "public"."passkeys";""",
    """drop trigger if exists "trg_passkeys_history_update" on "public"."passkeys";""",
    """drop trigger if exists "trg_passkeys_history" on "public"."passkeys";""",
    """drop trigger if exists "trg_sessions_history_truncate" on "public"."sessions";""",
    """drop trigger if exists "trg_sessions_history_delete" on "public"."sessions";""",
    """drop trigger if exists "trg_sessions_history_update" on "public"."sessions";""",
    """drop trigger if exists "trg_sessions_history" on "public"."sessions";""",
    """drop trigger if exists "trg_users_history_truncate" on "public"."users";""",
    """drop trigger if exists "trg_users_history_delete" on "public"."users";""",
    """drop trigger if exists "trg_users_history_update" on "public"."users";""",
    """drop trigger if exists "trg_users_history" on "public"."users";""",
    """drop function if exists "public"."fn_capture_trades_history"();""",
    """drop trigger if exists "pgwitness_append_only" on "public"."trades_history";""",
    """drop function if exists "public"."fn_capture_positions_history"();""",
    """drop trigger if exists "pgwitness_append_only" on "public"."positions_history";""",
    """drop function if exists "public"."fn_capture_subscriptions_history"();""",
    """drop trigger if exists "pgwitness_append_only" on "public"."subscriptions_history";""",
    """drop function if exists "public"."fn_capture_passkeys_history"();""",
    """drop trigger if exists "pgwitness_append_only" on "public"."passkeys_history";""",
    """drop function if exists "public"."fn_capture_sessions_history"();""",
    """drop trigger if exists "pgwitness_append_only" on "public"."sessions_history";""",
    """drop function if exists "public"."fn_capture_users_history"();""",
    """drop trigger if exists "pgwitness_append_only" on "public"."users_history";""",
    """drop table pgwitness.role_setting;""",
    """drop table pgwitness.captured_table;""",
    """drop function pgwitness.refuse_change();""",
    """drop table pgwitness.migration;""",
    """drop schema pgwitness;""",
    """set local lock_timeout to default;""",
    """reset role;""",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
