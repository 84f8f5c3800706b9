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
  -- set_config(…, true) leaves an empty string behind when its transaction ends.
  actor_id     text := nullif(current_setting('pgwitness.actor', true), '');
  request      text := nullif(current_setting('pgwitness.request_id', true), '');
  application  text := nullif(current_setting('application_name'), '');
  client       inet := inet_client_addr();
  moment       timestamptz := clock_timestamp();
  transaction  xid8 := pg_current_xact_id();
  partition_of text;
  key_columns  constant text[] := :'key_columns';
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

  -- The whole row, by name: a column added, dropped or renamed can't fail the write or shift a value.
  -- The key is looked up only where its columns are no longer what they were when this was installed.
  insert into :"schema".:"history" (
    operation, changed_at, xid, session_role, active_role, actor, request_id,
    application_name, client_addr, partition_name, row_key, image
  )
  select
    tg_op, moment, transaction, writer, coalesce(acting, writer), actor_id, request,
    application, client, partition_of,
    case
      when not changed.image ?& key_columns then (
        select jsonb_object_agg(a.attname, changed.image -> a.attname::text)
        from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid
          and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
        where i.indrelid = tg_relid and i.indisprimary
      )
      when cardinality(key_columns) = 1 then
        jsonb_build_object(key_columns[1], changed.image -> key_columns[1])
      else (select jsonb_object_agg(k, changed.image -> k) from unnest(key_columns) k)
    end,
    changed.image
  from (select to_jsonb(r) as image from captured_rows r offset 0) changed;
  return null;
end
$capture$;
