-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the writer's
-- search_path, no image depends on what the writer's session has set, and neither a message nor a plan with
-- the key in it goes to the client.
create or replace function :"schema".:"function"() returns trigger
language plpgsql
security definer
:{pinned_settings}
set extra_float_digits = 1
set TimeZone = 'UTC'
set DateStyle = 'ISO, YMD'
set IntervalStyle = 'postgres'
set bytea_output = 'hex'
as $capture$
#variable_conflict use_variable
declare
  -- current_user is the owner here: the writer is told by these two.
  writer       text := session_user;
  acting       text := coalesce(nullif(current_setting('role'), 'none'), session_user);
  -- set_config(..., true) leaves an empty string behind when its transaction ends.
  actor_id     text := nullif(current_setting('pgwitness.actor', true), '');
  request      text := nullif(current_setting('pgwitness.request_id', true), '');
  application  text := nullif(current_setting('application_name'), '');
  client       inet := inet_client_addr();
  moment       timestamptz := clock_timestamp();
  transaction  xid8 := pg_current_xact_id();
  partition_of text;
  as_installed boolean := false;
  any_rows     boolean := true;
  paired       boolean := :'keep_before'::boolean;
  many         boolean;
  nesting      text;
  nested       bigint;
  places       text[] := '{}';
  taken        boolean := false;
  shape        record;
  statement    text;
  row_count    bigint;
  first_id     bigint;
  last_id      bigint;
  subtransaction text;
  inner_pad    bytea;
  outer_pad    bytea;
  images       bit(128);
  line         text;
  told         text;
begin
:{begin}
:{read_state}
  if not any_rows then
    return null;
  end if;
  -- Not "partition or not" by name: a table can be renamed under its triggers.
  if tg_argv[0] = 'partition' then
    partition_of := format('%I.%I', tg_table_schema, tg_table_name);
  end if;

:{tell_nesting}
  if tg_op = 'TRUNCATE' then
    execute format(
      $insert$
        insert into %s (
          operation, changed_at, xid, session_role, active_role, actor, request_id,
          application_name, client_addr, partition_name
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning 0, id, id, xmin::text
      $insert$,
      pgwitness.history_of(:'history_name', :'history', tg_relid, tg_name)
    )
      into row_count, first_id, last_id, subtransaction
      using tg_op, moment, transaction, writer, acting, actor_id, request, application, client,
        partition_of;
  elsif as_installed then
:{capture_rows}
  else
    -- Not as installed: a column came or went, a partition was attached, the table has another name.
    -- Slower, and as exact.
    select * from pgwitness.drifted_shape(tg_relid, :'excluded'::text[]) into shape;
    statement := pgwitness.drifted_insert(
      pgwitness.history_of(:'history_name', :'history', tg_relid, tg_name), tg_relid, tg_op, tg_level, tg_argv[0],
      :'excluded'::text[], :'masked'::text[], :'known'::text[], nested
    );
    if tg_level = 'STATEMENT' then
      execute statement into row_count, first_id, last_id, subtransaction, images
        using tg_op, moment, transaction, writer, acting, actor_id, request, application, client,
          partition_of, shape.types, shape.key_columns, inner_pad;
    elsif tg_op = 'DELETE' then
      execute statement into row_count, first_id, last_id, subtransaction, images
        using tg_op, moment, transaction, writer, acting, actor_id, request, application, client,
          partition_of, shape.types, shape.key_columns, inner_pad, old, old;
    elsif tg_op = 'INSERT' then
      execute statement into row_count, first_id, last_id, subtransaction, images
        using tg_op, moment, transaction, writer, acting, actor_id, request, application, client,
          partition_of, shape.types, shape.key_columns, inner_pad, new, new;
    else
      execute statement into row_count, first_id, last_id, subtransaction, images
        using tg_op, moment, transaction, writer, acting, actor_id, request, application, client,
          partition_of, shape.types, shape.key_columns, inner_pad, new, old;
    end if;
    if row_count = 0 then
      return null;
    end if;
  end if;
:{witness}
:{end}
  return null;
end
$capture$;
