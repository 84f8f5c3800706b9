-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the
-- writer's search_path, and no image depends on what the writer's session has set.
create or replace function :"schema".:"function"() returns trigger
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
    insert into :"schema".:"history" (
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
    :'schema', :'history', coalesce(row_key, 'null')
  ) using tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
    application, client, partition_of;
  return null;
end
$capture$;
