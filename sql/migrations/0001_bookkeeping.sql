-- What was installed, so that a later run tells its own objects from another's.
create table if not exists pgwitness.captured_table (
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
);

-- Settings of roles that were set here, with what stood before: uninstall puts that back, no more.
create table if not exists pgwitness.role_setting (
  role_name   text not null,
  setting     text not null,
  database    text,
  value       text not null,
  replaced    text,
  set_at      timestamptz not null default now(),
  primary key (role_name, setting)
);

grant select on pgwitness.captured_table, pgwitness.role_setting to public;

-- A statement trigger, so that it speaks even where no row would match. It binds everyone who does not
-- own the table; the owner can take it off, which is why the application must not be the owner.
create or replace function pgwitness.refuse_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $refuse$
begin
  raise exception using
    errcode = 'insufficient_privilege',
    message = format('%I.%I is append-only: %s is refused', tg_table_schema, tg_table_name, tg_op),
    hint = 'Rows are only ever added here. What must be corrected is corrected by a further row.';
end
$refuse$;

revoke all on function pgwitness.refuse_change() from public;
