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
    """-- Default privileges may have given anyone anything on what was just made: what everyone is meant to have stays.
do $capture$
declare
  held record;
begin
  for held in
    select
      made.kind, made.name, acl.privilege_type as privilege,
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from (values
      ('schema', 'pgwitness', 'usage'),
      ('table', 'pgwitness.migration', 'select')
    ) made (kind, name, meant)
    cross join lateral (
      select n.nspowner, n.nspacl from pg_namespace n
      where made.kind = 'schema' and n.nspname = made.name
      union all
      select c.relowner, c.relacl from pg_class c
      where made.kind = 'table' and c.oid = to_regclass(made.name)
      union all
      select p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)) from pg_proc p
      where made.kind = 'function' and p.oid = to_regprocedure(made.name)
    ) object (owner, acl)
    cross join lateral aclexplode(object.acl) acl
    where acl.grantee <> object.owner
      and (acl.grantee <> 0 or lower(acl.privilege_type) is distinct from made.meant)
  loop
    execute format(
      'revoke %s on %s %s from %s cascade', held.privilege, held.kind, held.name, held.grantee
    );
  end loop;
end
$capture$;""",
    """insert into pgwitness.migration (number, name, sha256)
values ('1', 'bookkeeping', '8e9ea0da55acd90239d561f13f8867c79e882f06df1a3d3ff7f54e5156214d57')
on conflict do nothing;""",
    """-- What was installed, so that a later run tells its own objects from another's.
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
);""",
    """-- Settings of roles that were set here, with what stood before: uninstall puts that back, no more.
create table if not exists pgwitness.role_setting (
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
$refuse$;""",
    """revoke all on function pgwitness.refuse_change() from public;""",
    """-- Default privileges may have given anyone anything on what was just made: what everyone is meant to have stays.
do $capture$
declare
  held record;
begin
  for held in
    select
      made.kind, made.name, acl.privilege_type as privilege,
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from (values
      ('table', 'pgwitness.captured_table', 'select'),
      ('table', 'pgwitness.role_setting', 'select'),
      ('function', 'pgwitness.refuse_change()', null)
    ) made (kind, name, meant)
    cross join lateral (
      select n.nspowner, n.nspacl from pg_namespace n
      where made.kind = 'schema' and n.nspname = made.name
      union all
      select c.relowner, c.relacl from pg_class c
      where made.kind = 'table' and c.oid = to_regclass(made.name)
      union all
      select p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)) from pg_proc p
      where made.kind = 'function' and p.oid = to_regprocedure(made.name)
    ) object (owner, acl)
    cross join lateral aclexplode(object.acl) acl
    where acl.grantee <> object.owner
      and (acl.grantee <> 0 or lower(acl.privilege_type) is distinct from made.meant)
  loop
    execute format(
      'revoke %s on %s %s from %s cascade', held.privilege, held.kind, held.name, held.grantee
    );
  end loop;
end
$capture$;""",
    """insert into pgwitness.migration (number, name, sha256)
values ('2', 'app', '2890b28af2c80b3e10192de956f873c2b4e4651ab4302724d0214f7df8bb2491')
on conflict do nothing;""",
    """-- Whose it is in pgwitness.yaml; null where a migration made it, which does not know.
alter table pgwitness.captured_table add column if not exists app text;""",
    """insert into pgwitness.migration (number, name, sha256)
values ('3', 'witness', 'aed2738f849409dc6d36feca30fe823927df9d169c876e4b09c01862eea62f25')
on conflict do nothing;""",
    """-- The form of one table's images: which attribute of its composite type holds which column, and how.
create table if not exists pgwitness.image_shape (
  table_schema text not null,
  table_name   text not null,
  number       int not null check (number > 0),
  -- [{"name", "type", "as": "value" | "text" | "token"}] in the order of the type's attributes.
  attributes   jsonb not null,
  key_columns  text[] not null,
  made_at      timestamptz not null default now(),
  primary key (table_schema, table_name, number)
);""",
    """grant select on pgwitness.image_shape to public;""",
    """-- Since when before and after are told of every row that was there already. A baseline keeps an image of each
-- row, in history, under ids that were set aside when it began: above those of all that was captured before,
-- below those of all that is captured from then on.
create table if not exists pgwitness.baseline (
  table_schema text not null,
  table_name   text not null,
  first_id     bigint not null,
  last_id      bigint not null check (last_id > first_id),
  -- Its images stand in image_<shape>.
  shape        int not null,
  because      text not null check (
    because in ('installed', 'interrupted', 'partition', 'restored', 'rewritten', 'changed', 'asked')
  ),
  -- What it reads, the table itself or partitions of it: {"<oid>": {"name", "filenode"}}.
  places       jsonb not null,
  database     oid not null,
  began_at     timestamptz not null default clock_timestamp(),
  began_xid    xid8 not null default pg_current_xact_id(),
  -- From when on both images of each UPDATE are sure to be kept; null while a writer may not know of it yet.
  holds_since  timestamptz,
  -- {"<oid>": pages read}.
  pages_done   jsonb not null default '{}',
  row_count    bigint not null default 0,
  completed_at timestamptz,
  primary key (table_schema, table_name, first_id)
);""",
    """grant select on pgwitness.baseline to public;""",
    """-- One key, made here and never sent anywhere: HMAC-SHA256 (RFC 2104) with its two pads made ready. It
-- outlives uninstall, since what was written with it can be checked with nothing else.
create table if not exists pgwitness.witness_key (
  only_one  boolean primary key default true check (only_one),
  key       bytea not null check (length(key) = 32),
  inner_pad bytea not null check (length(inner_pad) = 64),
  outer_pad bytea not null check (length(outer_pad) = 64),
  made_at   timestamptz not null default now()
);""",
    """revoke all on pgwitness.witness_key from public;""",
    """do $key$
declare
  fresh bytea := sha256(
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
  );
  inner_pad bytea := decode(repeat('36', 64), 'hex');
  outer_pad bytea := decode(repeat('5c', 64), 'hex');
begin
  for place in 0 .. 31 loop
    inner_pad := set_byte(inner_pad, place, get_byte(fresh, place) # 54);
    outer_pad := set_byte(outer_pad, place, get_byte(fresh, place) # 92);
  end loop;
  insert into pgwitness.witness_key (key, inner_pad, outer_pad)
  values (fresh, inner_pad, outer_pad) on conflict do nothing;
end
$key$;""",
    """-- A keyed token in a value's place: the same value gives the same token, and it can't be guessed from it.
create or replace function pgwitness.token(value text) returns text
language sql
stable
strict
set search_path = pg_catalog, pg_temp
as $token$
  select 'token:' || left(encode(sha256(k.outer_pad || sha256(
    k.inner_pad || 'm' || convert_to(value, getdatabaseencoding())
  )), 'hex'), 32)
  from pgwitness.witness_key k
$token$;""",
    """revoke all on function pgwitness.token(text) from public;""",
    """-- Columns as they are at this moment. Read from the relation's own description and not from the catalogue's
-- tables, of which a transaction may see an older state than the one that it writes in.
create or replace function pgwitness.columns_of(
  relation oid, out name text, out type text, out number int
) returns setof record
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $columns$
declare
  names text[];
begin
  execute format(
    'select array(select json_object_keys(row_to_json(c.*)) from (select (null::%s).*) c)',
    relation::regclass
  ) into names;
  return query execute format(
    'select * from unnest($1, array[%s]::text[], $2)',
    (
      select string_agg(
        format('format_type(pg_typeof((null::%s).%I), null)', relation::regclass, n.name), ', '
        order by n.place
      )
      from unnest(names) with ordinality n (name, place)
    )
  ) using names, (
    -- Which numbers are in use: null is the answer for a column that was dropped.
    select array_agg(live.n) from (
      select n from generate_series(1, 1600) n
      where has_column_privilege(relation, n::int2, 'select') is not null
      order by n limit cardinality(names)
    ) live
  );
end
$columns$;""",
    """revoke all on function pgwitness.columns_of(oid) from public;""",
    """-- The table and its partitions, where all is as it was installed: else nothing. It is no constant, and yet
-- called immutable: so it is worked out when a statement is planned, and a change of the table makes every
-- session plan anew. That is what makes looking for drift at each write cost nothing.
create or replace function pgwitness.places_of(
  table_schema text, table_name text, shape text, key_index text, key_definition text, partitions text[],
  numbers int[]
) returns oid[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $places$
declare
  relation oid := to_regclass(format('%I.%I', table_schema, table_name));
  places oid[];
  names text[];
begin
  if relation is null then
    return '{}';
  end if;
  select array_agg(t.relid::oid), array_agg(t.relid::text order by t.relid::text collate "C")
      filter (where t.relid <> relation)
    into places, names
    from pg_partition_tree(relation) t;
  -- An index is looked up by its name, since that is never an older state either.
  if coalesce(names, '{}') <> partitions
    or pg_get_indexdef(to_regclass(key_index)) is distinct from key_definition
    -- The numbers tell a column from another one that has its name by now.
    or not exists (
      select from (
        select string_agg(format('%L %s', c.name, c.type), ', '), coalesce(array_agg(c.number), '{}')
        from pgwitness.columns_of(relation) c
      ) now (form, used)
      where now.form is not distinct from shape and now.used = numbers
    )
  then
    return '{}';
  end if;
  return coalesce(places, array[relation]);
end
$places$;""",
    """revoke all on function pgwitness.places_of(text, text, text, text, text, text[], int[]) from public;""",
    """-- History as SQL writes it: by its name, or, where its schema has another name by now, beside the function
-- that the trigger calls.
create or replace function pgwitness.history_of(
  known text, history text, relation oid, trigger_name text
) returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $history$
  select coalesce(to_regclass(known)::text, (
    select c.oid::regclass::text
    from pg_trigger t
    join pg_proc p on p.oid = t.tgfoid
    join pg_class c on c.relnamespace = p.pronamespace and c.relname = history
    where t.tgrelid = relation and t.tgname = trigger_name
  ), known)
$history$;""",
    """revoke all on function pgwitness.history_of(text, text, oid, text) from public;""",
    """-- Of a table that is not as it was installed: an expression for the json of a row, every value as its
-- type's own text, so that no value and no type can fail it. `known` is null where nothing is left out or
-- masked; else a column that is not in it, as its number and its name, is masked: it may have another's name.
create or replace function pgwitness.drifted_values(
  relation oid, alias text, excluded text[], masked text[], known text[]
) returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $drifted$
  select format(
    'json_object(array[%s]::text[], array[%s]::text[])',
    string_agg(quote_literal(c.name), ', '),
    string_agg(
      format(
        case when c.name = any (masked) or format('%s %s', c.number, c.name) <> all (known)
          then 'case when num_nonnulls(%1$s.%2$I) = 1 then pgwitness.token(format(''%%s'', %1$s.%2$I)) end'
          else 'case when num_nonnulls(%1$s.%2$I) = 1 then format(''%%s'', %1$s.%2$I) end'
        end,
        alias, c.name
      ),
      ', '
    )
  )
  from pgwitness.columns_of(relation) c
  where c.name <> all (excluded)
$drifted$;""",
    """revoke all on function pgwitness.drifted_values(oid, text, text[], text[], text[]) from public;""",
    """-- The statement that keeps rows of a table that is not as it was installed. Its parameters: $1 to $10 as the
-- first columns of history after the id, $11 types, $12 key, $13 the key's inner pad, and for a row trigger
-- $14 the row and $15 the row before. It gives what the capture function tells of what it has kept.
create or replace function pgwitness.drifted_insert(
  history text, relation oid, operation text, level text, place text,
  excluded text[], masked text[], known text[], nested bigint
) returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $insert$
declare
  kept text := pgwitness.drifted_values(relation, 'r', excluded, masked, known);
  replaced text := 'null';
  source text := 'captured_rows r';
  ordinal text := 'number';
  done text := '$1';
  condition text := 'true';
begin
  if operation = 'UPDATE' then
    replaced := pgwitness.drifted_values(relation, 'o', excluded, masked, known);
  end if;
  if level = 'ROW' then
    source := '(select ($14).*) r cross join (select ($15).*) o';
  elsif operation = 'UPDATE' then
    -- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
    -- partition has kept a row from arriving is there one more before than after.
    while exists (select from pgwitness.columns_of(relation) c where c.name = ordinal) loop
      ordinal := ordinal || '_';
    end loop;
    -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
    source := format(
      '(select row_number() over () as %1$I, c.* from captured_rows c) r
      full join (
        select row_number() over () as %1$I, c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o.%1$I = r.%1$I',
      ordinal
    );
    condition := format('coalesce(r.%I, 0) > 0', ordinal);
  end if;
  if level <> 'ROW' and place = 'table' and (select relkind from pg_class where oid = relation) = 'p' then
    -- A new partition's row trigger has kept its part of this statement already: of a row that moved between
    -- it and a partition with triggers of its own, the other half is still to be kept.
    -- IN, so that each looks into a hash table and not through all that was kept.
    source := source || format(
      $lateral$
        cross join lateral (select
          coalesce((%2$s)::text in (
            select (h.drifted -> 'values')::text from %1$s h
            where h.xid = $3 and h.changed_at >= transaction_timestamp()
              and h.drifted ->> 'by' = 'row' and h.operation <> %4$L
              and h.drifted ->> 'values' is not null
          ), false) as new_row,
          coalesce((%3$s)::text in (
            select (h.drifted -> case h.operation when 'DELETE' then 'values' else 'before' end)::text
            from %1$s h
            where h.xid = $3 and h.changed_at >= transaction_timestamp()
              and h.drifted ->> 'by' = 'row'
              and h.drifted ->> case h.operation when 'DELETE' then 'values' else 'before' end is not null
          ), false) as old_row
        ) kept_already
      $lateral$,
      history, kept,
      case operation when 'UPDATE' then replaced when 'DELETE' then kept else 'null::json' end,
      case operation when 'DELETE' then '' else 'DELETE' end
    );
    if operation = 'UPDATE' then
      condition := condition || ' and not (kept_already.new_row and kept_already.old_row)';
      done := 'case when kept_already.new_row then ''DELETE'' when kept_already.old_row then ''INSERT'' else $1 end';
      kept := format('case when kept_already.new_row then %s else %s end', replaced, kept);
      replaced := format(
        'case when not kept_already.new_row and not kept_already.old_row then %s end', replaced
      );
    else
      condition := case operation
        when 'DELETE' then 'not kept_already.old_row' else 'not kept_already.new_row'
      end;
    end if;
  end if;
  source := source || ' where ' || condition;
  if level <> 'ROW' and operation = 'UPDATE' then
    source := source || format(' order by r.%I', ordinal);
  end if;
  return format(
    $statement$
      with stored as (
        insert into %s (
          operation, changed_at, xid, session_role, active_role, actor, request_id,
          application_name, client_addr, partition_name, position, drifted
        )
        select %s, $2, $3, $4, $5, $6, $7, $8, $9, $10, %L::bigint,
          json_build_object('by', %L, 'types', $11, 'key', $12, 'values', %s, 'before', %s)
        from %s
        returning id, xmin, drifted
      )
      select count(*), min(id), max(id), min(xmin::text), bit_xor(('x' || encode(sha256(
        $13 || 'r' || int8send(id) || convert_to(drifted::text, getdatabaseencoding())
      ), 'hex'))::bit(128))
      from stored
    $statement$,
    history, done, nested, lower(level), kept, replaced, source
  );
end
$insert$;""",
    """revoke all on function pgwitness.drifted_insert(
  text, oid, text, text, text, text[], text[], text[], bigint
)
from public;""",
    """-- As what type an image keeps a value of this one: itself, or the one that it is a domain over, where that is
-- Postgres's own and has a binary form; else text. The catalogue's tables.sql says the same.
create or replace function pgwitness.kept_as(type text) returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $kept$
  with recursive bases (oid, base) as (
    select t.oid, t.typbasetype from pg_type t where t.oid = to_regtype(type)
    union all
    select t.oid, t.typbasetype from bases join pg_type t on t.oid = bases.base
  )
  select coalesce((
    select format_type(based.oid, -1)
    from bases
    join pg_type based on based.oid = bases.oid
    join pg_type element
      on element.oid = case when based.typcategory = 'A' then based.typelem else based.oid end
    where bases.base = 0 and based.typsend <> 0
      and based.oid <> all ('{json,xml,aclitem,json[],xml[],aclitem[]}'::regtype[])
      and element.typnamespace = 'pg_catalog'::regnamespace
      and element.typtype in ('b', 'r', 'm') and element.typsend <> 0
      and element.typname not like 'reg%'
  ), 'text')
$kept$;""",
    """revoke all on function pgwitness.kept_as(text) from public;""",
    """-- Types and key that go with drifted_values. The key's columns come from the catalogue's tables, for which
-- there is no other source.
create or replace function pgwitness.drifted_shape(
  relation oid, excluded text[], out types json, out key_columns json
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $shape$
  select
    (
      select coalesce(json_object_agg(c.name, pgwitness.kept_as(c.type)), '{}')
      from pgwitness.columns_of(relation) c where c.name <> all (excluded)
    ),
    (
      select coalesce(json_agg(a.attname order by a.attnum), '[]')
      from pg_index i
      join pg_attribute a on a.attrelid = i.indrelid
        and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
      where i.indrelid = relation and i.indisprimary
    )
$shape$;""",
    """revoke all on function pgwitness.drifted_shape(oid, text[]) from public;""",
    """-- A text as what jsonb makes of a value of that type; as itself where the type is not Postgres's own or the
-- text is no value of it. Anyone who may add to history may have written both: neither is ever run.
create or replace function pgwitness.value_as_jsonb(value text, type text) returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $value$
declare
  known regtype;
  made jsonb;
begin
  known := to_regtype(type);
  if value is null or known is null or known in ('json'::regtype, 'xml'::regtype)
    or not exists (
      select from pg_type t where t.oid = known and t.typnamespace = 'pg_catalog'::regnamespace
        and t.typtype in ('b', 'r', 'm')
    )
  then
    return to_jsonb(value);
  end if;
  -- With no modifier: a bare character or bit would be one of length 1.
  execute format('select to_jsonb($1::%s)', format_type(known, -1)) into made using value;
  return made;
exception when others then
  return to_jsonb(value);
end
$value$;""",
    """-- One row of drifted history, `part` being 'values' or 'before'. Null where it is not as capture writes it.
create or replace function pgwitness.drifted_image(drifted json, part text) returns jsonb
language plpgsql
stable
strict
set search_path = pg_catalog, pg_temp
as $image$
begin
  return (
    select jsonb_object_agg(v.key, pgwitness.value_as_jsonb(v.value, drifted -> 'types' ->> v.key))
    from json_each_text(case when json_typeof(drifted -> part) = 'object' then drifted -> part end) v
  );
exception when others then
  return null;
end
$image$;""",
    """-- The names of its key, in their order.
create or replace function pgwitness.drifted_key(drifted json) returns jsonb
language plpgsql
stable
strict
set search_path = pg_catalog, pg_temp
as $key$
begin
  return drifted -> 'key';
exception when others then
  return null;
end
$key$;""",
    """-- Whoever may change images may have written null in a name's place, of which no object can be made.
create or replace function pgwitness.row_key(image jsonb, key_names jsonb) returns jsonb
language sql
immutable
strict
set search_path = pg_catalog, pg_temp
as $key$
  select jsonb_object_agg(k.name, image -> k.name)
  from jsonb_array_elements_text(
    case when jsonb_typeof(key_names) = 'array' then key_names else '[]' end
  ) k (name)
  where k.name is not null
$key$;""",
    """-- A key by its values alone: they stay the same where a column of it is renamed.
create or replace function pgwitness.key_values(image jsonb, key_names jsonb) returns jsonb
language sql
immutable
strict
set search_path = pg_catalog, pg_temp
as $key$
  select jsonb_agg(image -> k.name order by k.place)
  from jsonb_array_elements_text(
    case when jsonb_typeof(key_names) = 'array' then key_names else '[]' end
  ) with ordinality k (name, place)
  where k.name is not null
$key$;""",
    """-- The columns in which two images differ.
create or replace function pgwitness.changed_columns(before jsonb, after jsonb) returns text[]
language sql
immutable
strict
set search_path = pg_catalog, pg_temp
as $changed$
  select coalesce(array_agg(k.name order by k.name), '{}')
  from (select jsonb_object_keys(before) union select jsonb_object_keys(after)) k (name)
  -- As told: 0 and 0.00 are one number, and not one value of every type.
  where (before -> k.name)::text is distinct from (after -> k.name)::text
$changed$;""",
    """-- The transaction that captured a row stays known when its image is changed.
create or replace function pgwitness.keep_first_xmin() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $keep$
begin
  new.first_xmin := coalesce(old.first_xmin, old.xmin);
  return new;
end
$keep$;""",
    """revoke all on function pgwitness.keep_first_xmin() from public;""",
    """-- What a view <table>_changes calls runs with the rights of whoever reads it.
grant execute on function
  pgwitness.value_as_jsonb(text, text), pgwitness.drifted_image(json, text), pgwitness.drifted_key(json),
  pgwitness.row_key(jsonb, jsonb), pgwitness.key_values(jsonb, jsonb),
  pgwitness.changed_columns(jsonb, jsonb)
to public;""",
    """-- The token of a value that stands in history, for the roles that may pseudonymize: the plan grants it to them
-- alone, who can't read the key. What is a token stays, so that doing it twice changes nothing.
create or replace function pgwitness.pseudonym(value text) returns text
language sql
stable
strict
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set quote_all_identifiers = off
set debug_print_plan = off
as $pseudonym$
  select case when value ~ '^token:[0-9a-f]{32}$' then value else pgwitness.token(value) end
$pseudonym$;""",
    """revoke all on function pgwitness.pseudonym(text) from public;""",
    """-- The key of a row of drifted history as the text of an array: the columns `names`, or, where the row has
-- not all of them and its key has as many, its key's columns in their order. Of those at `tokens` (counted
-- from 1) the token. Null where that can't be told, and of what is not as capture writes it.
create or replace function pgwitness.drifted_key_text(
  drifted json, part text, names text[], tokens int[]
) returns text
language plpgsql
stable
strict
set search_path = pg_catalog, pg_temp
as $key$
declare
  image json;
  own text[];
  key text[];
  value text;
begin
  image := drifted -> part;
  own := names;
  if names <@ array(select json_object_keys(image)) is not true then
    own := array(select json_array_elements_text(drifted -> 'key'));
    if cardinality(own) <> cardinality(names) then
      return null;
    end if;
  end if;
  for place in 1 .. cardinality(own) loop
    value := image ->> own[place];
    if drifted -> 'types' ->> own[place] = 'numeric' then
      value := trim_scale(value::numeric)::text;
    elsif drifted -> 'types' ->> own[place] = 'bpchar' then
      value := rtrim(value, ' ');
    end if;
    if place = any (tokens) then
      value := pgwitness.pseudonym(value);
    end if;
    key := key || value;
  end loop;
  return key::text;
exception when others then
  return null;
end
$key$;""",
    """-- Drifted history with tokens in place of the values of these columns, and the rest of its text as it was.
create or replace function pgwitness.drifted_pseudonyms(drifted json, personal text[]) returns json
language sql
stable
strict
set search_path = pg_catalog, pg_temp
as $pseudonyms$
  select ('{' || string_agg(
    to_json(member.key)::text || ' : ' || case
      when member.key in ('values', 'before') and json_typeof(member.value) = 'object' then (
        select '{' || coalesce(string_agg(
          to_json(v.key)::text || ' : ' || case
            when v.key = any (personal) and json_typeof(v.value) <> 'null'
              then to_json(pgwitness.pseudonym(v.value #>> '{}'))::text
            else v.value::text
          end,
          ', ' order by v.place
        ), '') || '}'
        from json_each(member.value) with ordinality v (key, value, place)
      )
      else member.value::text
    end,
    ', ' order by member.place
  ) || '}')::json
  from json_each(drifted) with ordinality member (key, value, place)
$pseudonyms$;""",
    """-- They call pgwitness.pseudonym as whoever runs them.
grant execute on function
  pgwitness.drifted_key_text(json, text, text[], int[]), pgwitness.drifted_pseudonyms(json, text[])
to public;""",
    """-- Default privileges may have given anyone anything on what was just made: what everyone is meant to have stays.
do $capture$
declare
  held record;
begin
  for held in
    select
      made.kind, made.name, acl.privilege_type as privilege,
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee
    from (values
      ('table', 'pgwitness.image_shape', 'select'),
      ('table', 'pgwitness.baseline', 'select'),
      ('table', 'pgwitness.witness_key', null),
      ('function', 'pgwitness.token(text)', null),
      ('function', 'pgwitness.columns_of(oid)', null),
      ('function', 'pgwitness.places_of(text, text, text, text, text, text[], integer[])', null),
      ('function', 'pgwitness.history_of(text, text, oid, text)', null),
      ('function', 'pgwitness.drifted_values(oid, text, text[], text[], text[])', null),
      ('function', 'pgwitness.drifted_insert(text, oid, text, text, text, text[], text[], text[], bigint)', null),
      ('function', 'pgwitness.kept_as(text)', null),
      ('function', 'pgwitness.drifted_shape(oid, text[])', null),
      ('function', 'pgwitness.value_as_jsonb(text, text)', 'execute'),
      ('function', 'pgwitness.drifted_image(json, text)', 'execute'),
      ('function', 'pgwitness.drifted_key(json)', 'execute'),
      ('function', 'pgwitness.row_key(jsonb, jsonb)', 'execute'),
      ('function', 'pgwitness.key_values(jsonb, jsonb)', 'execute'),
      ('function', 'pgwitness.changed_columns(jsonb, jsonb)', 'execute'),
      ('function', 'pgwitness.keep_first_xmin()', null),
      ('function', 'pgwitness.pseudonym(text)', null),
      ('function', 'pgwitness.drifted_key_text(json, text, text[], integer[])', 'execute'),
      ('function', 'pgwitness.drifted_pseudonyms(json, text[])', 'execute')
    ) made (kind, name, meant)
    cross join lateral (
      select n.nspowner, n.nspacl from pg_namespace n
      where made.kind = 'schema' and n.nspname = made.name
      union all
      select c.relowner, c.relacl from pg_class c
      where made.kind = 'table' and c.oid = to_regclass(made.name)
      union all
      select p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)) from pg_proc p
      where made.kind = 'function' and p.oid = to_regprocedure(made.name)
    ) object (owner, acl)
    cross join lateral aclexplode(object.acl) acl
    where acl.grantee <> object.owner
      and (acl.grantee <> 0 or lower(acl.privilege_type) is distinct from made.meant)
  loop
    execute format(
      'revoke %s on %s %s from %s cascade', held.privilege, held.kind, held.name, held.grantee
    );
  end loop;
end
$capture$;""",
    """-- One row a change. Its image (the row after the change, before it for a DELETE) stands in the newest
-- image_<n>, or in drifted where the table was not as it was installed; before_<n> holds the row before an
-- UPDATE where the image before it is not to be found under the same key. position is set where a change comes
-- before others that were captured before it. The view <table>_changes reads it.
create table if not exists "public"."users_history" (
  id               bigint generated always as identity,
  operation        text not null
    check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'BASELINE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  position         bigint,
  first_xmin       xid,
  drifted          json
);""",
    """-- It has no key of its own, and an image can be changed on a data subject's request: also where the database
-- publishes all its tables.
alter table "public"."users_history" replica identity full;""",
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
    """-- Rows come in the order of both, so that a block range index is enough, and costs a write next to nothing
-- however much history there is.
create index if not exists "users_history_changed_at" on "public"."users_history" using brin (id, changed_at);""",
    """-- The row's columns as values of Postgres's own types, so that no type of the user's hangs on it.
do $capture$
declare
  held record;
begin
  create type "public"."users_image_1" as ("id" bigint, "email" text, "email_verified_at" timestamp with time zone, "display_name" text, "created_at" timestamp with time zone);
  revoke all on type "public"."users_image_1" from public;
  -- Given by default privileges.
  for held in
    select distinct quote_ident(pg_get_userbyid(acl.grantee)) as grantee
    from pg_type t, aclexplode(t.typacl) acl
    where t.oid = to_regtype(format('%I.%I', 'public', 'users_image_1')) and acl.grantee <> t.typowner
  loop
    execute format(
      'revoke all on type %I.%I from %s cascade', 'public', 'users_image_1', held.grantee
    );
  end loop;
exception when duplicate_object then
  -- From an install that was taken away and left its history; not of a hand that was here before.
  if not exists (
    select from pg_type t
    where t.oid = to_regtype(format('%I.%I', 'public', 'users_image_1'))
      and pg_get_userbyid(t.typowner) = current_user
  ) then
    raise exception 'the type %.% exists and is not ours', 'public', 'users_image_1'
      using hint = 'Rename it, and run again.';
  end if;
end
$capture$;""",
    """alter table "public"."users_history"
  add column if not exists "image_1" "public"."users_image_1",
  add column if not exists "before_1" "public"."users_image_1";""",
    """insert into pgwitness.image_shape (table_schema, table_name, number, attributes, key_columns)
values ('public', 'users', '1', '[{"name":"id","type":"bigint","as":"value"},{"name":"email","type":"text","as":"value"},{"name":"email_verified_at","type":"timestamp with time zone","as":"value"},{"name":"display_name","type":"text","as":"value"},{"name":"created_at","type":"timestamp with time zone","as":"value"}]', '{"id"}')
on conflict do nothing;""",
    """-- What a row was before, what it is after, and what differs. The row before an UPDATE is the newest one
-- under its key, which may be a baseline.
create or replace view "public"."users_changes" as
select
  c.id, c.operation, c.changed_at, c.xid, c.session_role, c.active_role, c.actor, c.request_id,
  c.application_name, c.client_addr, c.partition_name, c.row_key, c.before, c.after,
  case when c.operation = 'UPDATE' then pgwitness.changed_columns(c.before, c.after) end as changed,
  c.place as position
from (
  select
    h.*, k.row_key, coalesce(h.position, h.id) as place,
    case h.operation
      when 'UPDATE' then coalesce(
        i.before,
        case when k.row_key is not null then
          lag(i.image) over (
            partition by k.key_values order by coalesce(h.position, h.id), h.id
          )
        end
      )
      when 'DELETE' then i.image
    end as before,
    case when h.operation in ('INSERT', 'UPDATE') then i.image end as after
  from "public"."users_history" h
  cross join lateral (
    select to_jsonb(h.image_1) as image_1, to_jsonb(h.before_1) as before_1
  ) s
  cross join lateral (
    select
      coalesce(s.image_1, pgwitness.drifted_image(h.drifted, 'values')) as image,
      coalesce(s.before_1, pgwitness.drifted_image(h.drifted, 'before')) as before
  ) i
  cross join lateral (
    select case when s.image_1 is not null then '["id"]'::jsonb else pgwitness.drifted_key(h.drifted) end as key_names
  ) n
  cross join lateral (
    select
      pgwitness.row_key(i.image, n.key_names) as row_key,
      pgwitness.key_values(i.image, n.key_names) as key_values
  ) k
) c
where c.operation <> 'BASELINE';""",
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
        c.oid = to_regclass(format('%I.%I', 'public', 'users_changes'))
        or c.oid = pg_get_serial_sequence(format('%I.%I', 'public', 'users_changes'), 'id')::regclass
      )
  loop
    execute format(
      'revoke all on %s %s from %s cascade',
      case when held.is_sequence then 'sequence' else 'table' end, held.relation, held.grantee
    );
  end loop;
end
$capture$;""",
    """grant insert (operation, changed_at, xid, session_role, active_role, actor, request_id, application_name, client_addr, partition_name) on "public"."users_history" to "raptor_app";""",
    """grant select on "public"."users_history" to "raptor_app";""",
    """grant select on "public"."users_history" to "audit_archiver";""",
    """grant update (drifted, image_1, before_1) on "public"."users_history" to "audit_archiver";""",
    """grant select on "public"."users_history" to "raptor_audit_compliance";""",
    """grant select on "public"."users_changes" to "raptor_app";""",
    """grant select on "public"."users_changes" to "audit_archiver";""",
    """grant select on "public"."users_changes" to "raptor_audit_compliance";""",
    """-- As guard-append-only, for history that a role may pseudonymize: images may be changed, and nothing else.
create or replace trigger pgwitness_append_only
  before delete or truncate or update of
    id, operation, changed_at, xid, session_role, active_role, actor, request_id, application_name,
    client_addr, partition_name, position, first_xmin
  on "public"."users_history"
  for each statement execute function pgwitness.refuse_change();""",
    """create or replace trigger pgwitness_first_xmin
  before update on "public"."users_history"
  for each row execute function pgwitness.keep_first_xmin();""",
    """-- Whoever changes history leaves a line. An image that was changed is told by the digests that it had and
-- has, so that the digest of the statement that captured it can still be checked.
create or replace function "public"."fn_witness_users_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = 'UTF8'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
as $capture$
#variable_conflict use_variable
declare
  transaction xid8 := pg_current_xact_id();
  inner_pad   bytea;
  outer_pad   bytea;
  row_count   bigint;
  facts       text;
  line        text;
  told        text;
begin
  select k.inner_pad, k.outer_pad into strict inner_pad, outer_pad from pgwitness.witness_key k;
  if tg_op = 'UPDATE' then
    for facts, row_count in
      select
        string_agg(
          n.id || ':' || left(encode(o.digest, 'hex'), 32) || ':' || left(encode(n.digest, 'hex'), 32), ';'
          order by n.number
        ),
        count(*)
      from (
        select row_number() over () as number, r.id, sha256(inner_pad || 'r' || int8send(r.id) || coalesce(record_send(r.image_1), '') || coalesce(record_send(r.before_1), '') || coalesce(convert_to(r.drifted::text, getdatabaseencoding()), '')) as digest from captured_rows r
      ) n
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as number, o.id, sha256(inner_pad || 'r' || int8send(o.id) || coalesce(record_send(o.image_1), '') || coalesce(record_send(o.before_1), '') || coalesce(convert_to(o.drifted::text, getdatabaseencoding()), '')) as digest from replaced_rows o
      ) o on o.number = n.number
      -- A line stays below 1.5 KB.
      group by (n.number - 1) / 16
    loop
      line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,UPDATE,TABLE,' || 'public.users_history'
        || ',<none>,<none>,xid=' || transaction || ' rows=' || row_count || ' images=' || facts;
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
    end loop;
    return null;
  end if;
  if tg_op = 'DELETE' then
    select count(*), ' ids=' || min(r.id) || '-' || max(r.id) into row_count, facts from captured_rows r;
    if row_count = 0 then
      return null;
    end if;
    facts := ' rows=' || row_count || facts;
  end if;
  line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,' || tg_op || ',TABLE,' || 'public.users_history'
    || ',<none>,<none>,xid=' || transaction || coalesce(facts, '');
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
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
    where f.oid = to_regprocedure(format('%I.%I()', 'public', 'fn_witness_users_history'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', 'public', 'fn_witness_users_history', held.grantee
    );
  end loop;
end
$capture$;""",
    """-- Not what capture itself inserts, as the owner and below a trigger: that is witnessed there. Without the rows,
-- which would be kept a second time at each captured write.
create or replace trigger "pgwitness_witness_insert"
  after insert on "public"."users_history"
  for each statement when (pg_trigger_depth() = 0 or current_user <> 'raxx_owner')
  execute function "public"."fn_witness_users_history"();""",
    """create or replace trigger "pgwitness_witness_update"
  after update on "public"."users_history"
  referencing old table as replaced_rows new table as captured_rows
  for each statement execute function "public"."fn_witness_users_history"();""",
    """create or replace trigger "pgwitness_witness_delete"
  after delete on "public"."users_history"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_witness_users_history"();""",
    """create or replace trigger "pgwitness_witness_truncate"
  after truncate on "public"."users_history"
  for each statement execute function "public"."fn_witness_users_history"();""",
    """-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the writer's
-- search_path, no image depends on what the writer's session has set, and neither a message nor a plan with
-- the key in it goes to the client.
create or replace function "public"."fn_capture_users_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = 'UTF8'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
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
  paired       boolean := 'true'::boolean;
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
if tg_op = 'TRUNCATE' or tg_level = 'ROW' then
    select k.inner_pad, k.outer_pad into inner_pad, outer_pad from pgwitness.witness_key k;
  else
    -- It names captured_rows, so that a change of the table has it planned, and places_of asked, anew.
    select k.inner_pad, k.outer_pad, exists (select from captured_rows),
        tg_relid = any (pgwitness.places_of(
          'public', 'users', '''id'' bigint, ''email'' text, ''email_verified_at'' timestamp with time zone, ''display_name'' text, ''created_at'' timestamp with time zone', 'public.users_pkey', 'CREATE UNIQUE INDEX users_pkey ON public.users USING btree (id)', '{}'::text[],
          '{1,2,3,4,5}'::int[]
        ))
      into inner_pad, outer_pad, any_rows, as_installed
      from pgwitness.witness_key k;
  end if;
  if inner_pad is null then
    raise exception using
      errcode = 'data_corrupted',
      message = 'pgwitness.witness_key holds no key: what is written could not be witnessed',
      hint = 'The owner runs `pgwitness install`, which makes a new one.';
  end if;
  if not any_rows then
    return null;
  end if;
  -- Not "partition or not" by name: a table can be renamed under its triggers.
  if tg_argv[0] = 'partition' then
    partition_of := format('%I.%I', tg_table_schema, tg_table_name);
  end if;

-- A statement that a trigger runs amid another one on this table is captured first. It keeps a number below
  -- its own for each one around it, by depth, which that takes as its place in the order.
  nesting := current_setting('pgwitness.nesting_14447575adab621e', true);
  if nesting > '' or pg_trigger_depth() > 1 then
    if starts_with(nesting, statement_timestamp()::text || '/') then
      places := (string_to_array(substring(nesting from '/([0-9c,]*)$'), ','))[1:pg_trigger_depth()];
    end if;
    nested := substring(places[pg_trigger_depth()] from '^([0-9]{1,18})c?$')::bigint;
    if nested is not null then
      -- Taken: of an upsert the other half may still ask for it, and so may a later statement of the query.
      taken := places[pg_trigger_depth()] like '%c';
      places[pg_trigger_depth()] := nested || 'c';
    end if;
    for level in 1 .. pg_trigger_depth() - 1 loop
      if coalesce(places[level], '') !~ '^[0-9]{1,18}$' then
        places[level] := nextval(pg_get_serial_sequence(
          pgwitness.history_of('"public"."users_history"', 'users_history', tg_relid, tg_name), 'id'
        ));
      end if;
    end loop;
    perform set_config(
      'pgwitness.nesting_14447575adab621e', statement_timestamp()::text || '/' || coalesce(array_to_string(places, ',', ''), ''), true
    );
  end if;
  if tg_op = 'TRUNCATE' then
    execute format(
      $insert$
        insert into %s (
          operation, changed_at, xid, session_role, active_role, actor, request_id,
          application_name, client_addr, partition_name
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning 0, id, id, xmin::text
      $insert$,
      pgwitness.history_of('"public"."users_history"', 'users_history', tg_relid, tg_name)
    )
      into row_count, first_id, last_id, subtransaction
      using tg_op, moment, transaction, writer, acting, actor_id, request, application, client,
        partition_of;
  elsif as_installed then
if nested is not null then
      if tg_op = 'UPDATE' then
-- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
      -- partition has kept a row from arriving is there one more before than after.
      with stored as (
      insert into "public"."users_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", "before_1", position
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."email", r."email_verified_at", r."display_name", r."created_at")::"public"."users_image_1", row(o."id", o."email", o."email_verified_at", o."display_name", o."created_at")::"public"."users_image_1",
        case
          when nested is null or not taken then nested
          when not exists (
            select from "public"."users" l
            where l."id" = r."id" and row(l."id", l."email", l."email_verified_at", l."display_name", l."created_at")::"public"."users_image_1" *= row(r."id", r."email", r."email_verified_at", r."display_name", r."created_at")::"public"."users_image_1"
          ) then nested
        end
      from (select row_number() over () as "number", c.* from captured_rows c) r
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as "number", c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o."number" = r."number"
      where coalesce(r."number", 0) > 0
      order by r."number"
      returning id, xmin, "image_1", "before_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1") || coalesce(record_send("before_1"), '')), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
      else
with stored as (
      insert into "public"."users_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", position
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."email", r."email_verified_at", r."display_name", r."created_at")::"public"."users_image_1",
        case
          when nested is null then null
          when tg_op = 'DELETE' then case when not taken or exists (
            select from "public"."users" l
            where l."id" = r."id"
          ) then nested end
          when not exists (
            select from "public"."users" l
            where l."id" = r."id" and row(l."id", l."email", l."email_verified_at", l."display_name", l."created_at")::"public"."users_image_1" *= row(r."id", r."email", r."email_verified_at", r."display_name", r."created_at")::"public"."users_image_1"
          ) then nested
          when not taken and (r."id") not in (
            select (h.image_1)."id"
            from "public"."users_history" h
            where h.id >= nested and h.xid = transaction and h.operation = 'DELETE'
              and num_nonnulls(h.image_1) = 1
          ) then nested
        end
      from captured_rows r
      returning id, xmin, "image_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1")), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
      end if;
    elsif tg_op = 'UPDATE' and paired then
-- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
      -- partition has kept a row from arriving is there one more before than after.
      with stored as (
      insert into "public"."users_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", "before_1"      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."email", r."email_verified_at", r."display_name", r."created_at")::"public"."users_image_1", row(o."id", o."email", o."email_verified_at", o."display_name", o."created_at")::"public"."users_image_1"      from (select row_number() over () as "number", c.* from captured_rows c) r
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as "number", c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o."number" = r."number"
      where coalesce(r."number", 0) > 0
      order by r."number"
      returning id, xmin, "image_1", "before_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1") || coalesce(record_send("before_1"), '')), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
    else
with stored as (
      insert into "public"."users_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1"      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."email", r."email_verified_at", r."display_name", r."created_at")::"public"."users_image_1"      from captured_rows r
      returning id, xmin, "image_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1")), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
    end if;
  else
    -- Not as installed: a column came or went, a partition was attached, the table has another name.
    -- Slower, and as exact.
    select * from pgwitness.drifted_shape(tg_relid, '{}'::text[]) into shape;
    statement := pgwitness.drifted_insert(
      pgwitness.history_of('"public"."users_history"', 'users_history', tg_relid, tg_name), tg_relid, tg_op, tg_level, tg_argv[0],
      '{}'::text[], '{}'::text[], null::text[], nested
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
line := 'AUDIT: WITNESS,' || first_id || ',1,WRITE,' || tg_op || ',TABLE,' || 'public.users'
    || ',<none>,<none>,xid=' || transaction || ' sub=' || subtransaction || ' rows=' || row_count
    || ' ids=' || first_id || '-' || last_id || ' digest='
    || left(encode(sha256(outer_pad || sha256(inner_pad || 'd' || record_send(row(
      tg_op, moment, transaction, writer, acting, actor_id, request, application, client, partition_of
    )) || coalesce(bit_send(images), ''))), 'hex'), 32);
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
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
    """-- One row a change. Its image (the row after the change, before it for a DELETE) stands in the newest
-- image_<n>, or in drifted where the table was not as it was installed; before_<n> holds the row before an
-- UPDATE where the image before it is not to be found under the same key. position is set where a change comes
-- before others that were captured before it. The view <table>_changes reads it.
create table if not exists "public"."sessions_history" (
  id               bigint generated always as identity,
  operation        text not null
    check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'BASELINE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  position         bigint,
  first_xmin       xid,
  drifted          json
);""",
    """-- It has no key of its own, and an image can be changed on a data subject's request: also where the database
-- publishes all its tables.
alter table "public"."sessions_history" replica identity full;""",
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
    """-- Rows come in the order of both, so that a block range index is enough, and costs a write next to nothing
-- however much history there is.
create index if not exists "sessions_history_changed_at" on "public"."sessions_history" using brin (id, changed_at);""",
    """-- The row's columns as values of Postgres's own types, so that no type of the user's hangs on it.
do $capture$
declare
  held record;
begin
  create type "public"."sessions_image_1" as ("id" uuid, "user_id" bigint, "created_at" timestamp with time zone, "expires_at" timestamp with time zone);
  revoke all on type "public"."sessions_image_1" from public;
  -- Given by default privileges.
  for held in
    select distinct quote_ident(pg_get_userbyid(acl.grantee)) as grantee
    from pg_type t, aclexplode(t.typacl) acl
    where t.oid = to_regtype(format('%I.%I', 'public', 'sessions_image_1')) and acl.grantee <> t.typowner
  loop
    execute format(
      'revoke all on type %I.%I from %s cascade', 'public', 'sessions_image_1', held.grantee
    );
  end loop;
exception when duplicate_object then
  -- From an install that was taken away and left its history; not of a hand that was here before.
  if not exists (
    select from pg_type t
    where t.oid = to_regtype(format('%I.%I', 'public', 'sessions_image_1'))
      and pg_get_userbyid(t.typowner) = current_user
  ) then
    raise exception 'the type %.% exists and is not ours', 'public', 'sessions_image_1'
      using hint = 'Rename it, and run again.';
  end if;
end
$capture$;""",
    """alter table "public"."sessions_history"
  add column if not exists "image_1" "public"."sessions_image_1",
  add column if not exists "before_1" "public"."sessions_image_1";""",
    """insert into pgwitness.image_shape (table_schema, table_name, number, attributes, key_columns)
values ('public', 'sessions', '1', '[{"name":"id","type":"uuid","as":"value"},{"name":"user_id","type":"bigint","as":"value"},{"name":"created_at","type":"timestamp with time zone","as":"value"},{"name":"expires_at","type":"timestamp with time zone","as":"value"}]', '{"id"}')
on conflict do nothing;""",
    """-- What a row was before, what it is after, and what differs. The row before an UPDATE is the newest one
-- under its key, which may be a baseline.
create or replace view "public"."sessions_changes" as
select
  c.id, c.operation, c.changed_at, c.xid, c.session_role, c.active_role, c.actor, c.request_id,
  c.application_name, c.client_addr, c.partition_name, c.row_key, c.before, c.after,
  case when c.operation = 'UPDATE' then pgwitness.changed_columns(c.before, c.after) end as changed,
  c.place as position
from (
  select
    h.*, k.row_key, coalesce(h.position, h.id) as place,
    case h.operation
      when 'UPDATE' then coalesce(
        i.before,
        case when k.row_key is not null then
          lag(i.image) over (
            partition by k.key_values order by coalesce(h.position, h.id), h.id
          )
        end
      )
      when 'DELETE' then i.image
    end as before,
    case when h.operation in ('INSERT', 'UPDATE') then i.image end as after
  from "public"."sessions_history" h
  cross join lateral (
    select to_jsonb(h.image_1) as image_1, to_jsonb(h.before_1) as before_1
  ) s
  cross join lateral (
    select
      coalesce(s.image_1, pgwitness.drifted_image(h.drifted, 'values')) as image,
      coalesce(s.before_1, pgwitness.drifted_image(h.drifted, 'before')) as before
  ) i
  cross join lateral (
    select case when s.image_1 is not null then '["id"]'::jsonb else pgwitness.drifted_key(h.drifted) end as key_names
  ) n
  cross join lateral (
    select
      pgwitness.row_key(i.image, n.key_names) as row_key,
      pgwitness.key_values(i.image, n.key_names) as key_values
  ) k
) c
where c.operation <> 'BASELINE';""",
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
        c.oid = to_regclass(format('%I.%I', 'public', 'sessions_changes'))
        or c.oid = pg_get_serial_sequence(format('%I.%I', 'public', 'sessions_changes'), 'id')::regclass
      )
  loop
    execute format(
      'revoke all on %s %s from %s cascade',
      case when held.is_sequence then 'sequence' else 'table' end, held.relation, held.grantee
    );
  end loop;
end
$capture$;""",
    """grant insert (operation, changed_at, xid, session_role, active_role, actor, request_id, application_name, client_addr, partition_name) on "public"."sessions_history" to "raptor_app";""",
    """grant select on "public"."sessions_history" to "raptor_app";""",
    """grant select on "public"."sessions_history" to "audit_archiver";""",
    """grant update (drifted, image_1, before_1) on "public"."sessions_history" to "audit_archiver";""",
    """grant select on "public"."sessions_history" to "raptor_audit_compliance";""",
    """grant select on "public"."sessions_changes" to "raptor_app";""",
    """grant select on "public"."sessions_changes" to "audit_archiver";""",
    """grant select on "public"."sessions_changes" to "raptor_audit_compliance";""",
    """-- As guard-append-only, for history that a role may pseudonymize: images may be changed, and nothing else.
create or replace trigger pgwitness_append_only
  before delete or truncate or update of
    id, operation, changed_at, xid, session_role, active_role, actor, request_id, application_name,
    client_addr, partition_name, position, first_xmin
  on "public"."sessions_history"
  for each statement execute function pgwitness.refuse_change();""",
    """create or replace trigger pgwitness_first_xmin
  before update on "public"."sessions_history"
  for each row execute function pgwitness.keep_first_xmin();""",
    """-- Whoever changes history leaves a line. An image that was changed is told by the digests that it had and
-- has, so that the digest of the statement that captured it can still be checked.
create or replace function "public"."fn_witness_sessions_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = 'UTF8'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
as $capture$
#variable_conflict use_variable
declare
  transaction xid8 := pg_current_xact_id();
  inner_pad   bytea;
  outer_pad   bytea;
  row_count   bigint;
  facts       text;
  line        text;
  told        text;
begin
  select k.inner_pad, k.outer_pad into strict inner_pad, outer_pad from pgwitness.witness_key k;
  if tg_op = 'UPDATE' then
    for facts, row_count in
      select
        string_agg(
          n.id || ':' || left(encode(o.digest, 'hex'), 32) || ':' || left(encode(n.digest, 'hex'), 32), ';'
          order by n.number
        ),
        count(*)
      from (
        select row_number() over () as number, r.id, sha256(inner_pad || 'r' || int8send(r.id) || coalesce(record_send(r.image_1), '') || coalesce(record_send(r.before_1), '') || coalesce(convert_to(r.drifted::text, getdatabaseencoding()), '')) as digest from captured_rows r
      ) n
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as number, o.id, sha256(inner_pad || 'r' || int8send(o.id) || coalesce(record_send(o.image_1), '') || coalesce(record_send(o.before_1), '') || coalesce(convert_to(o.drifted::text, getdatabaseencoding()), '')) as digest from replaced_rows o
      ) o on o.number = n.number
      -- A line stays below 1.5 KB.
      group by (n.number - 1) / 16
    loop
      line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,UPDATE,TABLE,' || 'public.sessions_history'
        || ',<none>,<none>,xid=' || transaction || ' rows=' || row_count || ' images=' || facts;
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
    end loop;
    return null;
  end if;
  if tg_op = 'DELETE' then
    select count(*), ' ids=' || min(r.id) || '-' || max(r.id) into row_count, facts from captured_rows r;
    if row_count = 0 then
      return null;
    end if;
    facts := ' rows=' || row_count || facts;
  end if;
  line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,' || tg_op || ',TABLE,' || 'public.sessions_history'
    || ',<none>,<none>,xid=' || transaction || coalesce(facts, '');
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
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
    where f.oid = to_regprocedure(format('%I.%I()', 'public', 'fn_witness_sessions_history'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', 'public', 'fn_witness_sessions_history', held.grantee
    );
  end loop;
end
$capture$;""",
    """-- Not what capture itself inserts, as the owner and below a trigger: that is witnessed there. Without the rows,
-- which would be kept a second time at each captured write.
create or replace trigger "pgwitness_witness_insert"
  after insert on "public"."sessions_history"
  for each statement when (pg_trigger_depth() = 0 or current_user <> 'raxx_owner')
  execute function "public"."fn_witness_sessions_history"();""",
    """create or replace trigger "pgwitness_witness_update"
  after update on "public"."sessions_history"
  referencing old table as replaced_rows new table as captured_rows
  for each statement execute function "public"."fn_witness_sessions_history"();""",
    """create or replace trigger "pgwitness_witness_delete"
  after delete on "public"."sessions_history"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_witness_sessions_history"();""",
    """create or replace trigger "pgwitness_witness_truncate"
  after truncate on "public"."sessions_history"
  for each statement execute function "public"."fn_witness_sessions_history"();""",
    """-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the writer's
-- search_path, no image depends on what the writer's session has set, and neither a message nor a plan with
-- the key in it goes to the client.
create or replace function "public"."fn_capture_sessions_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = 'UTF8'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
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
  paired       boolean := 'true'::boolean;
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
if tg_op = 'TRUNCATE' or tg_level = 'ROW' then
    select k.inner_pad, k.outer_pad into inner_pad, outer_pad from pgwitness.witness_key k;
  else
    -- It names captured_rows, so that a change of the table has it planned, and places_of asked, anew.
    select k.inner_pad, k.outer_pad, exists (select from captured_rows),
        tg_relid = any (pgwitness.places_of(
          'public', 'sessions', '''id'' uuid, ''user_id'' bigint, ''token_digest'' bytea, ''created_at'' timestamp with time zone, ''expires_at'' timestamp with time zone', 'public.sessions_pkey', 'CREATE UNIQUE INDEX sessions_pkey ON public.sessions USING btree (id)', '{}'::text[],
          '{1,2,3,4,5}'::int[]
        ))
      into inner_pad, outer_pad, any_rows, as_installed
      from pgwitness.witness_key k;
  end if;
  if inner_pad is null then
    raise exception using
      errcode = 'data_corrupted',
      message = 'pgwitness.witness_key holds no key: what is written could not be witnessed',
      hint = 'The owner runs `pgwitness install`, which makes a new one.';
  end if;
  if not any_rows then
    return null;
  end if;
  -- Not "partition or not" by name: a table can be renamed under its triggers.
  if tg_argv[0] = 'partition' then
    partition_of := format('%I.%I', tg_table_schema, tg_table_name);
  end if;

-- A statement that a trigger runs amid another one on this table is captured first. It keeps a number below
  -- its own for each one around it, by depth, which that takes as its place in the order.
  nesting := current_setting('pgwitness.nesting_05db40b51d327dae', true);
  if nesting > '' or pg_trigger_depth() > 1 then
    if starts_with(nesting, statement_timestamp()::text || '/') then
      places := (string_to_array(substring(nesting from '/([0-9c,]*)$'), ','))[1:pg_trigger_depth()];
    end if;
    nested := substring(places[pg_trigger_depth()] from '^([0-9]{1,18})c?$')::bigint;
    if nested is not null then
      -- Taken: of an upsert the other half may still ask for it, and so may a later statement of the query.
      taken := places[pg_trigger_depth()] like '%c';
      places[pg_trigger_depth()] := nested || 'c';
    end if;
    for level in 1 .. pg_trigger_depth() - 1 loop
      if coalesce(places[level], '') !~ '^[0-9]{1,18}$' then
        places[level] := nextval(pg_get_serial_sequence(
          pgwitness.history_of('"public"."sessions_history"', 'sessions_history', tg_relid, tg_name), 'id'
        ));
      end if;
    end loop;
    perform set_config(
      'pgwitness.nesting_05db40b51d327dae', statement_timestamp()::text || '/' || coalesce(array_to_string(places, ',', ''), ''), true
    );
  end if;
  if tg_op = 'TRUNCATE' then
    execute format(
      $insert$
        insert into %s (
          operation, changed_at, xid, session_role, active_role, actor, request_id,
          application_name, client_addr, partition_name
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning 0, id, id, xmin::text
      $insert$,
      pgwitness.history_of('"public"."sessions_history"', 'sessions_history', tg_relid, tg_name)
    )
      into row_count, first_id, last_id, subtransaction
      using tg_op, moment, transaction, writer, acting, actor_id, request, application, client,
        partition_of;
  elsif as_installed then
if nested is not null then
      if tg_op = 'UPDATE' then
-- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
      -- partition has kept a row from arriving is there one more before than after.
      with stored as (
      insert into "public"."sessions_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", "before_1", position
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."user_id", r."created_at", r."expires_at")::"public"."sessions_image_1", row(o."id", o."user_id", o."created_at", o."expires_at")::"public"."sessions_image_1",
        case
          when nested is null or not taken then nested
          when not exists (
            select from "public"."sessions" l
            where l."id" = r."id" and row(l."id", l."user_id", l."created_at", l."expires_at")::"public"."sessions_image_1" *= row(r."id", r."user_id", r."created_at", r."expires_at")::"public"."sessions_image_1"
          ) then nested
        end
      from (select row_number() over () as "number", c.* from captured_rows c) r
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as "number", c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o."number" = r."number"
      where coalesce(r."number", 0) > 0
      order by r."number"
      returning id, xmin, "image_1", "before_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1") || coalesce(record_send("before_1"), '')), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
      else
with stored as (
      insert into "public"."sessions_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", position
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."user_id", r."created_at", r."expires_at")::"public"."sessions_image_1",
        case
          when nested is null then null
          when tg_op = 'DELETE' then case when not taken or exists (
            select from "public"."sessions" l
            where l."id" = r."id"
          ) then nested end
          when not exists (
            select from "public"."sessions" l
            where l."id" = r."id" and row(l."id", l."user_id", l."created_at", l."expires_at")::"public"."sessions_image_1" *= row(r."id", r."user_id", r."created_at", r."expires_at")::"public"."sessions_image_1"
          ) then nested
          when not taken and (r."id") not in (
            select (h.image_1)."id"
            from "public"."sessions_history" h
            where h.id >= nested and h.xid = transaction and h.operation = 'DELETE'
              and num_nonnulls(h.image_1) = 1
          ) then nested
        end
      from captured_rows r
      returning id, xmin, "image_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1")), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
      end if;
    elsif tg_op = 'UPDATE' and paired then
-- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
      -- partition has kept a row from arriving is there one more before than after.
      with stored as (
      insert into "public"."sessions_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", "before_1"      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."user_id", r."created_at", r."expires_at")::"public"."sessions_image_1", row(o."id", o."user_id", o."created_at", o."expires_at")::"public"."sessions_image_1"      from (select row_number() over () as "number", c.* from captured_rows c) r
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as "number", c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o."number" = r."number"
      where coalesce(r."number", 0) > 0
      order by r."number"
      returning id, xmin, "image_1", "before_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1") || coalesce(record_send("before_1"), '')), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
    else
with stored as (
      insert into "public"."sessions_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1"      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."user_id", r."created_at", r."expires_at")::"public"."sessions_image_1"      from captured_rows r
      returning id, xmin, "image_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1")), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
    end if;
  else
    -- Not as installed: a column came or went, a partition was attached, the table has another name.
    -- Slower, and as exact.
    select * from pgwitness.drifted_shape(tg_relid, '{"token_digest"}'::text[]) into shape;
    statement := pgwitness.drifted_insert(
      pgwitness.history_of('"public"."sessions_history"', 'sessions_history', tg_relid, tg_name), tg_relid, tg_op, tg_level, tg_argv[0],
      '{"token_digest"}'::text[], '{}'::text[], '{"1 id","2 user_id","3 token_digest","4 created_at","5 expires_at"}'::text[], nested
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
line := 'AUDIT: WITNESS,' || first_id || ',1,WRITE,' || tg_op || ',TABLE,' || 'public.sessions'
    || ',<none>,<none>,xid=' || transaction || ' sub=' || subtransaction || ' rows=' || row_count
    || ' ids=' || first_id || '-' || last_id || ' digest='
    || left(encode(sha256(outer_pad || sha256(inner_pad || 'd' || record_send(row(
      tg_op, moment, transaction, writer, acting, actor_id, request, application, client, partition_of
    )) || coalesce(bit_send(images), ''))), 'hex'), 32);
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
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
    """-- One row a change. Its image (the row after the change, before it for a DELETE) stands in the newest
-- image_<n>, or in drifted where the table was not as it was installed; before_<n> holds the row before an
-- UPDATE where the image before it is not to be found under the same key. position is set where a change comes
-- before others that were captured before it. The view <table>_changes reads it.
create table if not exists "public"."passkeys_history" (
  id               bigint generated always as identity,
  operation        text not null
    check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'BASELINE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  position         bigint,
  first_xmin       xid,
  drifted          json
);""",
    """-- It has no key of its own, and an image can be changed on a data subject's request: also where the database
-- publishes all its tables.
alter table "public"."passkeys_history" replica identity full;""",
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
    """-- Rows come in the order of both, so that a block range index is enough, and costs a write next to nothing
-- however much history there is.
create index if not exists "passkeys_history_changed_at" on "public"."passkeys_history" using brin (id, changed_at);""",
    """-- The row's columns as values of Postgres's own types, so that no type of the user's hangs on it.
do $capture$
declare
  held record;
begin
  create type "public"."passkeys_image_1" as ("credential_id" bytea, "user_id" bigint, "public_key" bytea, "sign_count" bigint, "created_at" timestamp with time zone);
  revoke all on type "public"."passkeys_image_1" from public;
  -- Given by default privileges.
  for held in
    select distinct quote_ident(pg_get_userbyid(acl.grantee)) as grantee
    from pg_type t, aclexplode(t.typacl) acl
    where t.oid = to_regtype(format('%I.%I', 'public', 'passkeys_image_1')) and acl.grantee <> t.typowner
  loop
    execute format(
      'revoke all on type %I.%I from %s cascade', 'public', 'passkeys_image_1', held.grantee
    );
  end loop;
exception when duplicate_object then
  -- From an install that was taken away and left its history; not of a hand that was here before.
  if not exists (
    select from pg_type t
    where t.oid = to_regtype(format('%I.%I', 'public', 'passkeys_image_1'))
      and pg_get_userbyid(t.typowner) = current_user
  ) then
    raise exception 'the type %.% exists and is not ours', 'public', 'passkeys_image_1'
      using hint = 'Rename it, and run again.';
  end if;
end
$capture$;""",
    """alter table "public"."passkeys_history"
  add column if not exists "image_1" "public"."passkeys_image_1",
  add column if not exists "before_1" "public"."passkeys_image_1";""",
    """insert into pgwitness.image_shape (table_schema, table_name, number, attributes, key_columns)
values ('public', 'passkeys', '1', '[{"name":"credential_id","type":"bytea","as":"value"},{"name":"user_id","type":"bigint","as":"value"},{"name":"public_key","type":"bytea","as":"value"},{"name":"sign_count","type":"bigint","as":"value"},{"name":"created_at","type":"timestamp with time zone","as":"value"}]', '{"credential_id"}')
on conflict do nothing;""",
    """-- What a row was before, what it is after, and what differs. The row before an UPDATE is the newest one
-- under its key, which may be a baseline.
create or replace view "public"."passkeys_changes" as
select
  c.id, c.operation, c.changed_at, c.xid, c.session_role, c.active_role, c.actor, c.request_id,
  c.application_name, c.client_addr, c.partition_name, c.row_key, c.before, c.after,
  case when c.operation = 'UPDATE' then pgwitness.changed_columns(c.before, c.after) end as changed,
  c.place as position
from (
  select
    h.*, k.row_key, coalesce(h.position, h.id) as place,
    case h.operation
      when 'UPDATE' then coalesce(
        i.before,
        case when k.row_key is not null then
          lag(i.image) over (
            partition by k.key_values order by coalesce(h.position, h.id), h.id
          )
        end
      )
      when 'DELETE' then i.image
    end as before,
    case when h.operation in ('INSERT', 'UPDATE') then i.image end as after
  from "public"."passkeys_history" h
  cross join lateral (
    select to_jsonb(h.image_1) as image_1, to_jsonb(h.before_1) as before_1
  ) s
  cross join lateral (
    select
      coalesce(s.image_1, pgwitness.drifted_image(h.drifted, 'values')) as image,
      coalesce(s.before_1, pgwitness.drifted_image(h.drifted, 'before')) as before
  ) i
  cross join lateral (
    select case when s.image_1 is not null then '["credential_id"]'::jsonb else pgwitness.drifted_key(h.drifted) end as key_names
  ) n
  cross join lateral (
    select
      pgwitness.row_key(i.image, n.key_names) as row_key,
      pgwitness.key_values(i.image, n.key_names) as key_values
  ) k
) c
where c.operation <> 'BASELINE';""",
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
        c.oid = to_regclass(format('%I.%I', 'public', 'passkeys_changes'))
        or c.oid = pg_get_serial_sequence(format('%I.%I', 'public', 'passkeys_changes'), 'id')::regclass
      )
  loop
    execute format(
      'revoke all on %s %s from %s cascade',
      case when held.is_sequence then 'sequence' else 'table' end, held.relation, held.grantee
    );
  end loop;
end
$capture$;""",
    """grant insert (operation, changed_at, xid, session_role, active_role, actor, request_id, application_name, client_addr, partition_name) on "public"."passkeys_history" to "raptor_app";""",
    """grant select on "public"."passkeys_history" to "raptor_app";""",
    """grant select on "public"."passkeys_history" to "audit_archiver";""",
    """grant update (drifted, image_1, before_1) on "public"."passkeys_history" to "audit_archiver";""",
    """grant select on "public"."passkeys_history" to "raptor_audit_compliance";""",
    """grant select on "public"."passkeys_changes" to "raptor_app";""",
    """grant select on "public"."passkeys_changes" to "audit_archiver";""",
    """grant select on "public"."passkeys_changes" to "raptor_audit_compliance";""",
    """-- As guard-append-only, for history that a role may pseudonymize: images may be changed, and nothing else.
create or replace trigger pgwitness_append_only
  before delete or truncate or update of
    id, operation, changed_at, xid, session_role, active_role, actor, request_id, application_name,
    client_addr, partition_name, position, first_xmin
  on "public"."passkeys_history"
  for each statement execute function pgwitness.refuse_change();""",
    """create or replace trigger pgwitness_first_xmin
  before update on "public"."passkeys_history"
  for each row execute function pgwitness.keep_first_xmin();""",
    """-- Whoever changes history leaves a line. An image that was changed is told by the digests that it had and
-- has, so that the digest of the statement that captured it can still be checked.
create or replace function "public"."fn_witness_passkeys_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = 'UTF8'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
as $capture$
#variable_conflict use_variable
declare
  transaction xid8 := pg_current_xact_id();
  inner_pad   bytea;
  outer_pad   bytea;
  row_count   bigint;
  facts       text;
  line        text;
  told        text;
begin
  select k.inner_pad, k.outer_pad into strict inner_pad, outer_pad from pgwitness.witness_key k;
  if tg_op = 'UPDATE' then
    for facts, row_count in
      select
        string_agg(
          n.id || ':' || left(encode(o.digest, 'hex'), 32) || ':' || left(encode(n.digest, 'hex'), 32), ';'
          order by n.number
        ),
        count(*)
      from (
        select row_number() over () as number, r.id, sha256(inner_pad || 'r' || int8send(r.id) || coalesce(record_send(r.image_1), '') || coalesce(record_send(r.before_1), '') || coalesce(convert_to(r.drifted::text, getdatabaseencoding()), '')) as digest from captured_rows r
      ) n
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as number, o.id, sha256(inner_pad || 'r' || int8send(o.id) || coalesce(record_send(o.image_1), '') || coalesce(record_send(o.before_1), '') || coalesce(convert_to(o.drifted::text, getdatabaseencoding()), '')) as digest from replaced_rows o
      ) o on o.number = n.number
      -- A line stays below 1.5 KB.
      group by (n.number - 1) / 16
    loop
      line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,UPDATE,TABLE,' || 'public.passkeys_history'
        || ',<none>,<none>,xid=' || transaction || ' rows=' || row_count || ' images=' || facts;
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
    end loop;
    return null;
  end if;
  if tg_op = 'DELETE' then
    select count(*), ' ids=' || min(r.id) || '-' || max(r.id) into row_count, facts from captured_rows r;
    if row_count = 0 then
      return null;
    end if;
    facts := ' rows=' || row_count || facts;
  end if;
  line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,' || tg_op || ',TABLE,' || 'public.passkeys_history'
    || ',<none>,<none>,xid=' || transaction || coalesce(facts, '');
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
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
    where f.oid = to_regprocedure(format('%I.%I()', 'public', 'fn_witness_passkeys_history'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', 'public', 'fn_witness_passkeys_history', held.grantee
    );
  end loop;
end
$capture$;""",
    """-- Not what capture itself inserts, as the owner and below a trigger: that is witnessed there. Without the rows,
-- which would be kept a second time at each captured write.
create or replace trigger "pgwitness_witness_insert"
  after insert on "public"."passkeys_history"
  for each statement when (pg_trigger_depth() = 0 or current_user <> 'raxx_owner')
  execute function "public"."fn_witness_passkeys_history"();""",
    """create or replace trigger "pgwitness_witness_update"
  after update on "public"."passkeys_history"
  referencing old table as replaced_rows new table as captured_rows
  for each statement execute function "public"."fn_witness_passkeys_history"();""",
    """create or replace trigger "pgwitness_witness_delete"
  after delete on "public"."passkeys_history"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_witness_passkeys_history"();""",
    """create or replace trigger "pgwitness_witness_truncate"
  after truncate on "public"."passkeys_history"
  for each statement execute function "public"."fn_witness_passkeys_history"();""",
    """-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the writer's
-- search_path, no image depends on what the writer's session has set, and neither a message nor a plan with
-- the key in it goes to the client.
create or replace function "public"."fn_capture_passkeys_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = 'UTF8'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
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
  paired       boolean := 'true'::boolean;
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
if tg_op = 'TRUNCATE' or tg_level = 'ROW' then
    select k.inner_pad, k.outer_pad into inner_pad, outer_pad from pgwitness.witness_key k;
  else
    -- It names captured_rows, so that a change of the table has it planned, and places_of asked, anew.
    select k.inner_pad, k.outer_pad, exists (select from captured_rows),
        tg_relid = any (pgwitness.places_of(
          'public', 'passkeys', '''credential_id'' bytea, ''user_id'' bigint, ''public_key'' bytea, ''sign_count'' bigint, ''created_at'' timestamp with time zone', 'public.passkeys_pkey', 'CREATE UNIQUE INDEX passkeys_pkey ON public.passkeys USING btree (credential_id)', '{}'::text[],
          '{1,2,3,4,5}'::int[]
        ))
      into inner_pad, outer_pad, any_rows, as_installed
      from pgwitness.witness_key k;
  end if;
  if inner_pad is null then
    raise exception using
      errcode = 'data_corrupted',
      message = 'pgwitness.witness_key holds no key: what is written could not be witnessed',
      hint = 'The owner runs `pgwitness install`, which makes a new one.';
  end if;
  if not any_rows then
    return null;
  end if;
  -- Not "partition or not" by name: a table can be renamed under its triggers.
  if tg_argv[0] = 'partition' then
    partition_of := format('%I.%I', tg_table_schema, tg_table_name);
  end if;

-- A statement that a trigger runs amid another one on this table is captured first. It keeps a number below
  -- its own for each one around it, by depth, which that takes as its place in the order.
  nesting := current_setting('pgwitness.nesting_6892f66f764f9d42', true);
  if nesting > '' or pg_trigger_depth() > 1 then
    if starts_with(nesting, statement_timestamp()::text || '/') then
      places := (string_to_array(substring(nesting from '/([0-9c,]*)$'), ','))[1:pg_trigger_depth()];
    end if;
    nested := substring(places[pg_trigger_depth()] from '^([0-9]{1,18})c?$')::bigint;
    if nested is not null then
      -- Taken: of an upsert the other half may still ask for it, and so may a later statement of the query.
      taken := places[pg_trigger_depth()] like '%c';
      places[pg_trigger_depth()] := nested || 'c';
    end if;
    for level in 1 .. pg_trigger_depth() - 1 loop
      if coalesce(places[level], '') !~ '^[0-9]{1,18}$' then
        places[level] := nextval(pg_get_serial_sequence(
          pgwitness.history_of('"public"."passkeys_history"', 'passkeys_history', tg_relid, tg_name), 'id'
        ));
      end if;
    end loop;
    perform set_config(
      'pgwitness.nesting_6892f66f764f9d42', statement_timestamp()::text || '/' || coalesce(array_to_string(places, ',', ''), ''), true
    );
  end if;
  if tg_op = 'TRUNCATE' then
    execute format(
      $insert$
        insert into %s (
          operation, changed_at, xid, session_role, active_role, actor, request_id,
          application_name, client_addr, partition_name
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning 0, id, id, xmin::text
      $insert$,
      pgwitness.history_of('"public"."passkeys_history"', 'passkeys_history', tg_relid, tg_name)
    )
      into row_count, first_id, last_id, subtransaction
      using tg_op, moment, transaction, writer, acting, actor_id, request, application, client,
        partition_of;
  elsif as_installed then
if nested is not null then
      if tg_op = 'UPDATE' then
-- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
      -- partition has kept a row from arriving is there one more before than after.
      with stored as (
      insert into "public"."passkeys_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", "before_1", position
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."credential_id", r."user_id", r."public_key", r."sign_count", r."created_at")::"public"."passkeys_image_1", row(o."credential_id", o."user_id", o."public_key", o."sign_count", o."created_at")::"public"."passkeys_image_1",
        case
          when nested is null or not taken then nested
          when not exists (
            select from "public"."passkeys" l
            where l."credential_id" = r."credential_id" and row(l."credential_id", l."user_id", l."public_key", l."sign_count", l."created_at")::"public"."passkeys_image_1" *= row(r."credential_id", r."user_id", r."public_key", r."sign_count", r."created_at")::"public"."passkeys_image_1"
          ) then nested
        end
      from (select row_number() over () as "number", c.* from captured_rows c) r
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as "number", c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o."number" = r."number"
      where coalesce(r."number", 0) > 0
      order by r."number"
      returning id, xmin, "image_1", "before_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1") || coalesce(record_send("before_1"), '')), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
      else
with stored as (
      insert into "public"."passkeys_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", position
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."credential_id", r."user_id", r."public_key", r."sign_count", r."created_at")::"public"."passkeys_image_1",
        case
          when nested is null then null
          when tg_op = 'DELETE' then case when not taken or exists (
            select from "public"."passkeys" l
            where l."credential_id" = r."credential_id"
          ) then nested end
          when not exists (
            select from "public"."passkeys" l
            where l."credential_id" = r."credential_id" and row(l."credential_id", l."user_id", l."public_key", l."sign_count", l."created_at")::"public"."passkeys_image_1" *= row(r."credential_id", r."user_id", r."public_key", r."sign_count", r."created_at")::"public"."passkeys_image_1"
          ) then nested
          when not taken and (r."credential_id") not in (
            select (h.image_1)."credential_id"
            from "public"."passkeys_history" h
            where h.id >= nested and h.xid = transaction and h.operation = 'DELETE'
              and num_nonnulls(h.image_1) = 1
          ) then nested
        end
      from captured_rows r
      returning id, xmin, "image_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1")), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
      end if;
    elsif tg_op = 'UPDATE' and paired then
-- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
      -- partition has kept a row from arriving is there one more before than after.
      with stored as (
      insert into "public"."passkeys_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", "before_1"      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."credential_id", r."user_id", r."public_key", r."sign_count", r."created_at")::"public"."passkeys_image_1", row(o."credential_id", o."user_id", o."public_key", o."sign_count", o."created_at")::"public"."passkeys_image_1"      from (select row_number() over () as "number", c.* from captured_rows c) r
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as "number", c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o."number" = r."number"
      where coalesce(r."number", 0) > 0
      order by r."number"
      returning id, xmin, "image_1", "before_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1") || coalesce(record_send("before_1"), '')), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
    else
with stored as (
      insert into "public"."passkeys_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1"      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."credential_id", r."user_id", r."public_key", r."sign_count", r."created_at")::"public"."passkeys_image_1"      from captured_rows r
      returning id, xmin, "image_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1")), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
    end if;
  else
    -- Not as installed: a column came or went, a partition was attached, the table has another name.
    -- Slower, and as exact.
    select * from pgwitness.drifted_shape(tg_relid, '{}'::text[]) into shape;
    statement := pgwitness.drifted_insert(
      pgwitness.history_of('"public"."passkeys_history"', 'passkeys_history', tg_relid, tg_name), tg_relid, tg_op, tg_level, tg_argv[0],
      '{}'::text[], '{}'::text[], null::text[], nested
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
line := 'AUDIT: WITNESS,' || first_id || ',1,WRITE,' || tg_op || ',TABLE,' || 'public.passkeys'
    || ',<none>,<none>,xid=' || transaction || ' sub=' || subtransaction || ' rows=' || row_count
    || ' ids=' || first_id || '-' || last_id || ' digest='
    || left(encode(sha256(outer_pad || sha256(inner_pad || 'd' || record_send(row(
      tg_op, moment, transaction, writer, acting, actor_id, request, application, client, partition_of
    )) || coalesce(bit_send(images), ''))), 'hex'), 32);
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
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
    """-- One row a change. Its image (the row after the change, before it for a DELETE) stands in the newest
-- image_<n>, or in drifted where the table was not as it was installed; before_<n> holds the row before an
-- UPDATE where the image before it is not to be found under the same key. position is set where a change comes
-- before others that were captured before it. The view <table>_changes reads it.
create table if not exists "public"."subscriptions_history" (
  id               bigint generated always as identity,
  operation        text not null
    check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'BASELINE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  position         bigint,
  first_xmin       xid,
  drifted          json
);""",
    """-- It has no key of its own, and an image can be changed on a data subject's request: also where the database
-- publishes all its tables.
alter table "public"."subscriptions_history" replica identity full;""",
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
    """-- Rows come in the order of both, so that a block range index is enough, and costs a write next to nothing
-- however much history there is.
create index if not exists "subscriptions_history_changed_at" on "public"."subscriptions_history" using brin (id, changed_at);""",
    """-- The row's columns as values of Postgres's own types, so that no type of the user's hangs on it.
do $capture$
declare
  held record;
begin
  create type "public"."subscriptions_image_1" as ("id" bigint, "user_id" bigint, "plan" text, "status" text, "renews_at" timestamp with time zone, "created_at" timestamp with time zone);
  revoke all on type "public"."subscriptions_image_1" from public;
  -- Given by default privileges.
  for held in
    select distinct quote_ident(pg_get_userbyid(acl.grantee)) as grantee
    from pg_type t, aclexplode(t.typacl) acl
    where t.oid = to_regtype(format('%I.%I', 'public', 'subscriptions_image_1')) and acl.grantee <> t.typowner
  loop
    execute format(
      'revoke all on type %I.%I from %s cascade', 'public', 'subscriptions_image_1', held.grantee
    );
  end loop;
exception when duplicate_object then
  -- From an install that was taken away and left its history; not of a hand that was here before.
  if not exists (
    select from pg_type t
    where t.oid = to_regtype(format('%I.%I', 'public', 'subscriptions_image_1'))
      and pg_get_userbyid(t.typowner) = current_user
  ) then
    raise exception 'the type %.% exists and is not ours', 'public', 'subscriptions_image_1'
      using hint = 'Rename it, and run again.';
  end if;
end
$capture$;""",
    """alter table "public"."subscriptions_history"
  add column if not exists "image_1" "public"."subscriptions_image_1",
  add column if not exists "before_1" "public"."subscriptions_image_1";""",
    """insert into pgwitness.image_shape (table_schema, table_name, number, attributes, key_columns)
values ('public', 'subscriptions', '1', '[{"name":"id","type":"bigint","as":"value"},{"name":"user_id","type":"bigint","as":"value"},{"name":"plan","type":"text","as":"value"},{"name":"status","type":"text","as":"value"},{"name":"renews_at","type":"timestamp with time zone","as":"value"},{"name":"created_at","type":"timestamp with time zone","as":"value"}]', '{"id"}')
on conflict do nothing;""",
    """-- What a row was before, what it is after, and what differs. The row before an UPDATE is the newest one
-- under its key, which may be a baseline.
create or replace view "public"."subscriptions_changes" as
select
  c.id, c.operation, c.changed_at, c.xid, c.session_role, c.active_role, c.actor, c.request_id,
  c.application_name, c.client_addr, c.partition_name, c.row_key, c.before, c.after,
  case when c.operation = 'UPDATE' then pgwitness.changed_columns(c.before, c.after) end as changed,
  c.place as position
from (
  select
    h.*, k.row_key, coalesce(h.position, h.id) as place,
    case h.operation
      when 'UPDATE' then coalesce(
        i.before,
        case when k.row_key is not null then
          lag(i.image) over (
            partition by k.key_values order by coalesce(h.position, h.id), h.id
          )
        end
      )
      when 'DELETE' then i.image
    end as before,
    case when h.operation in ('INSERT', 'UPDATE') then i.image end as after
  from "public"."subscriptions_history" h
  cross join lateral (
    select to_jsonb(h.image_1) as image_1, to_jsonb(h.before_1) as before_1
  ) s
  cross join lateral (
    select
      coalesce(s.image_1, pgwitness.drifted_image(h.drifted, 'values')) as image,
      coalesce(s.before_1, pgwitness.drifted_image(h.drifted, 'before')) as before
  ) i
  cross join lateral (
    select case when s.image_1 is not null then '["id"]'::jsonb else pgwitness.drifted_key(h.drifted) end as key_names
  ) n
  cross join lateral (
    select
      pgwitness.row_key(i.image, n.key_names) as row_key,
      pgwitness.key_values(i.image, n.key_names) as key_values
  ) k
) c
where c.operation <> 'BASELINE';""",
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
        c.oid = to_regclass(format('%I.%I', 'public', 'subscriptions_changes'))
        or c.oid = pg_get_serial_sequence(format('%I.%I', 'public', 'subscriptions_changes'), 'id')::regclass
      )
  loop
    execute format(
      'revoke all on %s %s from %s cascade',
      case when held.is_sequence then 'sequence' else 'table' end, held.relation, held.grantee
    );
  end loop;
end
$capture$;""",
    """grant insert (operation, changed_at, xid, session_role, active_role, actor, request_id, application_name, client_addr, partition_name) on "public"."subscriptions_history" to "raptor_app";""",
    """grant select on "public"."subscriptions_history" to "raptor_app";""",
    """grant select on "public"."subscriptions_history" to "audit_archiver";""",
    """grant update (drifted, image_1, before_1) on "public"."subscriptions_history" to "audit_archiver";""",
    """grant select on "public"."subscriptions_history" to "raptor_audit_compliance";""",
    """grant select on "public"."subscriptions_changes" to "raptor_app";""",
    """grant select on "public"."subscriptions_changes" to "audit_archiver";""",
    """grant select on "public"."subscriptions_changes" to "raptor_audit_compliance";""",
    """-- As guard-append-only, for history that a role may pseudonymize: images may be changed, and nothing else.
create or replace trigger pgwitness_append_only
  before delete or truncate or update of
    id, operation, changed_at, xid, session_role, active_role, actor, request_id, application_name,
    client_addr, partition_name, position, first_xmin
  on "public"."subscriptions_history"
  for each statement execute function pgwitness.refuse_change();""",
    """create or replace trigger pgwitness_first_xmin
  before update on "public"."subscriptions_history"
  for each row execute function pgwitness.keep_first_xmin();""",
    """-- Whoever changes history leaves a line. An image that was changed is told by the digests that it had and
-- has, so that the digest of the statement that captured it can still be checked.
create or replace function "public"."fn_witness_subscriptions_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = 'UTF8'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
as $capture$
#variable_conflict use_variable
declare
  transaction xid8 := pg_current_xact_id();
  inner_pad   bytea;
  outer_pad   bytea;
  row_count   bigint;
  facts       text;
  line        text;
  told        text;
begin
  select k.inner_pad, k.outer_pad into strict inner_pad, outer_pad from pgwitness.witness_key k;
  if tg_op = 'UPDATE' then
    for facts, row_count in
      select
        string_agg(
          n.id || ':' || left(encode(o.digest, 'hex'), 32) || ':' || left(encode(n.digest, 'hex'), 32), ';'
          order by n.number
        ),
        count(*)
      from (
        select row_number() over () as number, r.id, sha256(inner_pad || 'r' || int8send(r.id) || coalesce(record_send(r.image_1), '') || coalesce(record_send(r.before_1), '') || coalesce(convert_to(r.drifted::text, getdatabaseencoding()), '')) as digest from captured_rows r
      ) n
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as number, o.id, sha256(inner_pad || 'r' || int8send(o.id) || coalesce(record_send(o.image_1), '') || coalesce(record_send(o.before_1), '') || coalesce(convert_to(o.drifted::text, getdatabaseencoding()), '')) as digest from replaced_rows o
      ) o on o.number = n.number
      -- A line stays below 1.5 KB.
      group by (n.number - 1) / 16
    loop
      line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,UPDATE,TABLE,' || 'public.subscriptions_history'
        || ',<none>,<none>,xid=' || transaction || ' rows=' || row_count || ' images=' || facts;
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
    end loop;
    return null;
  end if;
  if tg_op = 'DELETE' then
    select count(*), ' ids=' || min(r.id) || '-' || max(r.id) into row_count, facts from captured_rows r;
    if row_count = 0 then
      return null;
    end if;
    facts := ' rows=' || row_count || facts;
  end if;
  line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,' || tg_op || ',TABLE,' || 'public.subscriptions_history'
    || ',<none>,<none>,xid=' || transaction || coalesce(facts, '');
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
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
    where f.oid = to_regprocedure(format('%I.%I()', 'public', 'fn_witness_subscriptions_history'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', 'public', 'fn_witness_subscriptions_history', held.grantee
    );
  end loop;
end
$capture$;""",
    """-- Not what capture itself inserts, as the owner and below a trigger: that is witnessed there. Without the rows,
-- which would be kept a second time at each captured write.
create or replace trigger "pgwitness_witness_insert"
  after insert on "public"."subscriptions_history"
  for each statement when (pg_trigger_depth() = 0 or current_user <> 'raxx_owner')
  execute function "public"."fn_witness_subscriptions_history"();""",
    """create or replace trigger "pgwitness_witness_update"
  after update on "public"."subscriptions_history"
  referencing old table as replaced_rows new table as captured_rows
  for each statement execute function "public"."fn_witness_subscriptions_history"();""",
    """create or replace trigger "pgwitness_witness_delete"
  after delete on "public"."subscriptions_history"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_witness_subscriptions_history"();""",
    """create or replace trigger "pgwitness_witness_truncate"
  after truncate on "public"."subscriptions_history"
  for each statement execute function "public"."fn_witness_subscriptions_history"();""",
    """-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the writer's
-- search_path, no image depends on what the writer's session has set, and neither a message nor a plan with
-- the key in it goes to the client.
create or replace function "public"."fn_capture_subscriptions_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = 'UTF8'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
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
  paired       boolean := 'true'::boolean;
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
if tg_op = 'TRUNCATE' or tg_level = 'ROW' then
    select k.inner_pad, k.outer_pad into inner_pad, outer_pad from pgwitness.witness_key k;
  else
    -- It names captured_rows, so that a change of the table has it planned, and places_of asked, anew.
    select k.inner_pad, k.outer_pad, exists (select from captured_rows),
        tg_relid = any (pgwitness.places_of(
          'public', 'subscriptions', '''id'' bigint, ''user_id'' bigint, ''plan'' text, ''status'' text, ''renews_at'' timestamp with time zone, ''created_at'' timestamp with time zone', 'public.subscriptions_pkey', 'CREATE UNIQUE INDEX subscriptions_pkey ON public.subscriptions USING btree (id)', '{}'::text[],
          '{1,2,3,4,5,6}'::int[]
        ))
      into inner_pad, outer_pad, any_rows, as_installed
      from pgwitness.witness_key k;
  end if;
  if inner_pad is null then
    raise exception using
      errcode = 'data_corrupted',
      message = 'pgwitness.witness_key holds no key: what is written could not be witnessed',
      hint = 'The owner runs `pgwitness install`, which makes a new one.';
  end if;
  if not any_rows then
    return null;
  end if;
  -- Not "partition or not" by name: a table can be renamed under its triggers.
  if tg_argv[0] = 'partition' then
    partition_of := format('%I.%I', tg_table_schema, tg_table_name);
  end if;

-- A statement that a trigger runs amid another one on this table is captured first. It keeps a number below
  -- its own for each one around it, by depth, which that takes as its place in the order.
  nesting := current_setting('pgwitness.nesting_3ba4d6b8b3df4bb6', true);
  if nesting > '' or pg_trigger_depth() > 1 then
    if starts_with(nesting, statement_timestamp()::text || '/') then
      places := (string_to_array(substring(nesting from '/([0-9c,]*)$'), ','))[1:pg_trigger_depth()];
    end if;
    nested := substring(places[pg_trigger_depth()] from '^([0-9]{1,18})c?$')::bigint;
    if nested is not null then
      -- Taken: of an upsert the other half may still ask for it, and so may a later statement of the query.
      taken := places[pg_trigger_depth()] like '%c';
      places[pg_trigger_depth()] := nested || 'c';
    end if;
    for level in 1 .. pg_trigger_depth() - 1 loop
      if coalesce(places[level], '') !~ '^[0-9]{1,18}$' then
        places[level] := nextval(pg_get_serial_sequence(
          pgwitness.history_of('"public"."subscriptions_history"', 'subscriptions_history', tg_relid, tg_name), 'id'
        ));
      end if;
    end loop;
    perform set_config(
      'pgwitness.nesting_3ba4d6b8b3df4bb6', statement_timestamp()::text || '/' || coalesce(array_to_string(places, ',', ''), ''), true
    );
  end if;
  if tg_op = 'TRUNCATE' then
    execute format(
      $insert$
        insert into %s (
          operation, changed_at, xid, session_role, active_role, actor, request_id,
          application_name, client_addr, partition_name
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning 0, id, id, xmin::text
      $insert$,
      pgwitness.history_of('"public"."subscriptions_history"', 'subscriptions_history', tg_relid, tg_name)
    )
      into row_count, first_id, last_id, subtransaction
      using tg_op, moment, transaction, writer, acting, actor_id, request, application, client,
        partition_of;
  elsif as_installed then
if nested is not null then
      if tg_op = 'UPDATE' then
-- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
      -- partition has kept a row from arriving is there one more before than after.
      with stored as (
      insert into "public"."subscriptions_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", "before_1", position
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."user_id", r."plan", r."status", r."renews_at", r."created_at")::"public"."subscriptions_image_1", row(o."id", o."user_id", o."plan", o."status", o."renews_at", o."created_at")::"public"."subscriptions_image_1",
        case
          when nested is null or not taken then nested
          when not exists (
            select from "public"."subscriptions" l
            where l."id" = r."id" and row(l."id", l."user_id", l."plan", l."status", l."renews_at", l."created_at")::"public"."subscriptions_image_1" *= row(r."id", r."user_id", r."plan", r."status", r."renews_at", r."created_at")::"public"."subscriptions_image_1"
          ) then nested
        end
      from (select row_number() over () as "number", c.* from captured_rows c) r
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as "number", c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o."number" = r."number"
      where coalesce(r."number", 0) > 0
      order by r."number"
      returning id, xmin, "image_1", "before_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1") || coalesce(record_send("before_1"), '')), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
      else
with stored as (
      insert into "public"."subscriptions_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", position
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."user_id", r."plan", r."status", r."renews_at", r."created_at")::"public"."subscriptions_image_1",
        case
          when nested is null then null
          when tg_op = 'DELETE' then case when not taken or exists (
            select from "public"."subscriptions" l
            where l."id" = r."id"
          ) then nested end
          when not exists (
            select from "public"."subscriptions" l
            where l."id" = r."id" and row(l."id", l."user_id", l."plan", l."status", l."renews_at", l."created_at")::"public"."subscriptions_image_1" *= row(r."id", r."user_id", r."plan", r."status", r."renews_at", r."created_at")::"public"."subscriptions_image_1"
          ) then nested
          when not taken and (r."id") not in (
            select (h.image_1)."id"
            from "public"."subscriptions_history" h
            where h.id >= nested and h.xid = transaction and h.operation = 'DELETE'
              and num_nonnulls(h.image_1) = 1
          ) then nested
        end
      from captured_rows r
      returning id, xmin, "image_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1")), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
      end if;
    elsif tg_op = 'UPDATE' and paired then
-- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
      -- partition has kept a row from arriving is there one more before than after.
      with stored as (
      insert into "public"."subscriptions_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", "before_1"      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."user_id", r."plan", r."status", r."renews_at", r."created_at")::"public"."subscriptions_image_1", row(o."id", o."user_id", o."plan", o."status", o."renews_at", o."created_at")::"public"."subscriptions_image_1"      from (select row_number() over () as "number", c.* from captured_rows c) r
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as "number", c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o."number" = r."number"
      where coalesce(r."number", 0) > 0
      order by r."number"
      returning id, xmin, "image_1", "before_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1") || coalesce(record_send("before_1"), '')), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
    else
with stored as (
      insert into "public"."subscriptions_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1"      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."user_id", r."plan", r."status", r."renews_at", r."created_at")::"public"."subscriptions_image_1"      from captured_rows r
      returning id, xmin, "image_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1")), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
    end if;
  else
    -- Not as installed: a column came or went, a partition was attached, the table has another name.
    -- Slower, and as exact.
    select * from pgwitness.drifted_shape(tg_relid, '{}'::text[]) into shape;
    statement := pgwitness.drifted_insert(
      pgwitness.history_of('"public"."subscriptions_history"', 'subscriptions_history', tg_relid, tg_name), tg_relid, tg_op, tg_level, tg_argv[0],
      '{}'::text[], '{}'::text[], null::text[], nested
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
line := 'AUDIT: WITNESS,' || first_id || ',1,WRITE,' || tg_op || ',TABLE,' || 'public.subscriptions'
    || ',<none>,<none>,xid=' || transaction || ' sub=' || subtransaction || ' rows=' || row_count
    || ' ids=' || first_id || '-' || last_id || ' digest='
    || left(encode(sha256(outer_pad || sha256(inner_pad || 'd' || record_send(row(
      tg_op, moment, transaction, writer, acting, actor_id, request, application, client, partition_of
    )) || coalesce(bit_send(images), ''))), 'hex'), 32);
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
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
    """-- One row a change. Its image (the row after the change, before it for a DELETE) stands in the newest
-- image_<n>, or in drifted where the table was not as it was installed; before_<n> holds the row before an
-- UPDATE where the image before it is not to be found under the same key. position is set where a change comes
-- before others that were captured before it. The view <table>_changes reads it.
create table if not exists "public"."positions_history" (
  id               bigint generated always as identity,
  operation        text not null
    check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'BASELINE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  position         bigint,
  first_xmin       xid,
  drifted          json
);""",
    """-- It has no key of its own, and an image can be changed on a data subject's request: also where the database
-- publishes all its tables.
alter table "public"."positions_history" replica identity full;""",
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
    """-- Rows come in the order of both, so that a block range index is enough, and costs a write next to nothing
-- however much history there is.
create index if not exists "positions_history_changed_at" on "public"."positions_history" using brin (id, changed_at);""",
    """-- The row's columns as values of Postgres's own types, so that no type of the user's hangs on it.
do $capture$
declare
  held record;
begin
  create type "public"."positions_image_1" as ("user_id" bigint, "symbol" text, "quantity" numeric, "updated_at" timestamp with time zone);
  revoke all on type "public"."positions_image_1" from public;
  -- Given by default privileges.
  for held in
    select distinct quote_ident(pg_get_userbyid(acl.grantee)) as grantee
    from pg_type t, aclexplode(t.typacl) acl
    where t.oid = to_regtype(format('%I.%I', 'public', 'positions_image_1')) and acl.grantee <> t.typowner
  loop
    execute format(
      'revoke all on type %I.%I from %s cascade', 'public', 'positions_image_1', held.grantee
    );
  end loop;
exception when duplicate_object then
  -- From an install that was taken away and left its history; not of a hand that was here before.
  if not exists (
    select from pg_type t
    where t.oid = to_regtype(format('%I.%I', 'public', 'positions_image_1'))
      and pg_get_userbyid(t.typowner) = current_user
  ) then
    raise exception 'the type %.% exists and is not ours', 'public', 'positions_image_1'
      using hint = 'Rename it, and run again.';
  end if;
end
$capture$;""",
    """alter table "public"."positions_history"
  add column if not exists "image_1" "public"."positions_image_1",
  add column if not exists "before_1" "public"."positions_image_1";""",
    """insert into pgwitness.image_shape (table_schema, table_name, number, attributes, key_columns)
values ('public', 'positions', '1', '[{"name":"user_id","type":"bigint","as":"value"},{"name":"symbol","type":"text","as":"value"},{"name":"quantity","type":"numeric","as":"value"},{"name":"updated_at","type":"timestamp with time zone","as":"value"}]', '{"user_id","symbol"}')
on conflict do nothing;""",
    """-- What a row was before, what it is after, and what differs. The row before an UPDATE is the newest one
-- under its key, which may be a baseline.
create or replace view "public"."positions_changes" as
select
  c.id, c.operation, c.changed_at, c.xid, c.session_role, c.active_role, c.actor, c.request_id,
  c.application_name, c.client_addr, c.partition_name, c.row_key, c.before, c.after,
  case when c.operation = 'UPDATE' then pgwitness.changed_columns(c.before, c.after) end as changed,
  c.place as position
from (
  select
    h.*, k.row_key, coalesce(h.position, h.id) as place,
    case h.operation
      when 'UPDATE' then coalesce(
        i.before,
        case when k.row_key is not null then
          lag(i.image) over (
            partition by k.key_values order by coalesce(h.position, h.id), h.id
          )
        end
      )
      when 'DELETE' then i.image
    end as before,
    case when h.operation in ('INSERT', 'UPDATE') then i.image end as after
  from "public"."positions_history" h
  cross join lateral (
    select to_jsonb(h.image_1) as image_1, to_jsonb(h.before_1) as before_1
  ) s
  cross join lateral (
    select
      coalesce(s.image_1, pgwitness.drifted_image(h.drifted, 'values')) as image,
      coalesce(s.before_1, pgwitness.drifted_image(h.drifted, 'before')) as before
  ) i
  cross join lateral (
    select case when s.image_1 is not null then '["user_id","symbol"]'::jsonb else pgwitness.drifted_key(h.drifted) end as key_names
  ) n
  cross join lateral (
    select
      pgwitness.row_key(i.image, n.key_names) as row_key,
      pgwitness.key_values(i.image, n.key_names) as key_values
  ) k
) c
where c.operation <> 'BASELINE';""",
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
        c.oid = to_regclass(format('%I.%I', 'public', 'positions_changes'))
        or c.oid = pg_get_serial_sequence(format('%I.%I', 'public', 'positions_changes'), 'id')::regclass
      )
  loop
    execute format(
      'revoke all on %s %s from %s cascade',
      case when held.is_sequence then 'sequence' else 'table' end, held.relation, held.grantee
    );
  end loop;
end
$capture$;""",
    """grant insert (operation, changed_at, xid, session_role, active_role, actor, request_id, application_name, client_addr, partition_name) on "public"."positions_history" to "raptor_app";""",
    """grant select on "public"."positions_history" to "raptor_app";""",
    """grant select on "public"."positions_history" to "audit_archiver";""",
    """grant update (drifted, image_1, before_1) on "public"."positions_history" to "audit_archiver";""",
    """grant select on "public"."positions_history" to "raptor_audit_compliance";""",
    """grant select on "public"."positions_changes" to "raptor_app";""",
    """grant select on "public"."positions_changes" to "audit_archiver";""",
    """grant select on "public"."positions_changes" to "raptor_audit_compliance";""",
    """-- As guard-append-only, for history that a role may pseudonymize: images may be changed, and nothing else.
create or replace trigger pgwitness_append_only
  before delete or truncate or update of
    id, operation, changed_at, xid, session_role, active_role, actor, request_id, application_name,
    client_addr, partition_name, position, first_xmin
  on "public"."positions_history"
  for each statement execute function pgwitness.refuse_change();""",
    """create or replace trigger pgwitness_first_xmin
  before update on "public"."positions_history"
  for each row execute function pgwitness.keep_first_xmin();""",
    """-- Whoever changes history leaves a line. An image that was changed is told by the digests that it had and
-- has, so that the digest of the statement that captured it can still be checked.
create or replace function "public"."fn_witness_positions_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = 'UTF8'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
as $capture$
#variable_conflict use_variable
declare
  transaction xid8 := pg_current_xact_id();
  inner_pad   bytea;
  outer_pad   bytea;
  row_count   bigint;
  facts       text;
  line        text;
  told        text;
begin
  select k.inner_pad, k.outer_pad into strict inner_pad, outer_pad from pgwitness.witness_key k;
  if tg_op = 'UPDATE' then
    for facts, row_count in
      select
        string_agg(
          n.id || ':' || left(encode(o.digest, 'hex'), 32) || ':' || left(encode(n.digest, 'hex'), 32), ';'
          order by n.number
        ),
        count(*)
      from (
        select row_number() over () as number, r.id, sha256(inner_pad || 'r' || int8send(r.id) || coalesce(record_send(r.image_1), '') || coalesce(record_send(r.before_1), '') || coalesce(convert_to(r.drifted::text, getdatabaseencoding()), '')) as digest from captured_rows r
      ) n
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as number, o.id, sha256(inner_pad || 'r' || int8send(o.id) || coalesce(record_send(o.image_1), '') || coalesce(record_send(o.before_1), '') || coalesce(convert_to(o.drifted::text, getdatabaseencoding()), '')) as digest from replaced_rows o
      ) o on o.number = n.number
      -- A line stays below 1.5 KB.
      group by (n.number - 1) / 16
    loop
      line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,UPDATE,TABLE,' || 'public.positions_history'
        || ',<none>,<none>,xid=' || transaction || ' rows=' || row_count || ' images=' || facts;
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
    end loop;
    return null;
  end if;
  if tg_op = 'DELETE' then
    select count(*), ' ids=' || min(r.id) || '-' || max(r.id) into row_count, facts from captured_rows r;
    if row_count = 0 then
      return null;
    end if;
    facts := ' rows=' || row_count || facts;
  end if;
  line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,' || tg_op || ',TABLE,' || 'public.positions_history'
    || ',<none>,<none>,xid=' || transaction || coalesce(facts, '');
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
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
    where f.oid = to_regprocedure(format('%I.%I()', 'public', 'fn_witness_positions_history'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', 'public', 'fn_witness_positions_history', held.grantee
    );
  end loop;
end
$capture$;""",
    """-- Not what capture itself inserts, as the owner and below a trigger: that is witnessed there. Without the rows,
-- which would be kept a second time at each captured write.
create or replace trigger "pgwitness_witness_insert"
  after insert on "public"."positions_history"
  for each statement when (pg_trigger_depth() = 0 or current_user <> 'raxx_owner')
  execute function "public"."fn_witness_positions_history"();""",
    """create or replace trigger "pgwitness_witness_update"
  after update on "public"."positions_history"
  referencing old table as replaced_rows new table as captured_rows
  for each statement execute function "public"."fn_witness_positions_history"();""",
    """create or replace trigger "pgwitness_witness_delete"
  after delete on "public"."positions_history"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_witness_positions_history"();""",
    """create or replace trigger "pgwitness_witness_truncate"
  after truncate on "public"."positions_history"
  for each statement execute function "public"."fn_witness_positions_history"();""",
    """-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the writer's
-- search_path, no image depends on what the writer's session has set, and neither a message nor a plan with
-- the key in it goes to the client.
create or replace function "public"."fn_capture_positions_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = 'UTF8'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
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
  paired       boolean := 'true'::boolean;
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
if tg_op = 'TRUNCATE' or tg_level = 'ROW' then
    select k.inner_pad, k.outer_pad into inner_pad, outer_pad from pgwitness.witness_key k;
  else
    -- It names captured_rows, so that a change of the table has it planned, and places_of asked, anew.
    select k.inner_pad, k.outer_pad, exists (select from captured_rows),
        tg_relid = any (pgwitness.places_of(
          'public', 'positions', '''user_id'' bigint, ''symbol'' text, ''quantity'' numeric, ''updated_at'' timestamp with time zone', 'public.positions_pkey', 'CREATE UNIQUE INDEX positions_pkey ON public.positions USING btree (user_id, symbol)', '{}'::text[],
          '{1,2,3,4}'::int[]
        ))
      into inner_pad, outer_pad, any_rows, as_installed
      from pgwitness.witness_key k;
  end if;
  if inner_pad is null then
    raise exception using
      errcode = 'data_corrupted',
      message = 'pgwitness.witness_key holds no key: what is written could not be witnessed',
      hint = 'The owner runs `pgwitness install`, which makes a new one.';
  end if;
  if not any_rows then
    return null;
  end if;
  -- Not "partition or not" by name: a table can be renamed under its triggers.
  if tg_argv[0] = 'partition' then
    partition_of := format('%I.%I', tg_table_schema, tg_table_name);
  end if;

-- A statement that a trigger runs amid another one on this table is captured first. It keeps a number below
  -- its own for each one around it, by depth, which that takes as its place in the order.
  nesting := current_setting('pgwitness.nesting_706b7e0cef38c2dd', true);
  if nesting > '' or pg_trigger_depth() > 1 then
    if starts_with(nesting, statement_timestamp()::text || '/') then
      places := (string_to_array(substring(nesting from '/([0-9c,]*)$'), ','))[1:pg_trigger_depth()];
    end if;
    nested := substring(places[pg_trigger_depth()] from '^([0-9]{1,18})c?$')::bigint;
    if nested is not null then
      -- Taken: of an upsert the other half may still ask for it, and so may a later statement of the query.
      taken := places[pg_trigger_depth()] like '%c';
      places[pg_trigger_depth()] := nested || 'c';
    end if;
    for level in 1 .. pg_trigger_depth() - 1 loop
      if coalesce(places[level], '') !~ '^[0-9]{1,18}$' then
        places[level] := nextval(pg_get_serial_sequence(
          pgwitness.history_of('"public"."positions_history"', 'positions_history', tg_relid, tg_name), 'id'
        ));
      end if;
    end loop;
    perform set_config(
      'pgwitness.nesting_706b7e0cef38c2dd', statement_timestamp()::text || '/' || coalesce(array_to_string(places, ',', ''), ''), true
    );
  end if;
  if tg_op = 'TRUNCATE' then
    execute format(
      $insert$
        insert into %s (
          operation, changed_at, xid, session_role, active_role, actor, request_id,
          application_name, client_addr, partition_name
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning 0, id, id, xmin::text
      $insert$,
      pgwitness.history_of('"public"."positions_history"', 'positions_history', tg_relid, tg_name)
    )
      into row_count, first_id, last_id, subtransaction
      using tg_op, moment, transaction, writer, acting, actor_id, request, application, client,
        partition_of;
  elsif as_installed then
if nested is not null then
      if tg_op = 'UPDATE' then
-- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
      -- partition has kept a row from arriving is there one more before than after.
      with stored as (
      insert into "public"."positions_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", "before_1", position
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."user_id", r."symbol", r."quantity", r."updated_at")::"public"."positions_image_1", row(o."user_id", o."symbol", o."quantity", o."updated_at")::"public"."positions_image_1",
        case
          when nested is null or not taken then nested
          when not exists (
            select from "public"."positions" l
            where l."user_id" = r."user_id" and l."symbol" = r."symbol" and row(l."user_id", l."symbol", l."quantity", l."updated_at")::"public"."positions_image_1" *= row(r."user_id", r."symbol", r."quantity", r."updated_at")::"public"."positions_image_1"
          ) then nested
        end
      from (select row_number() over () as "number", c.* from captured_rows c) r
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as "number", c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o."number" = r."number"
      where coalesce(r."number", 0) > 0
      order by r."number"
      returning id, xmin, "image_1", "before_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1") || coalesce(record_send("before_1"), '')), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
      else
with stored as (
      insert into "public"."positions_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", position
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."user_id", r."symbol", r."quantity", r."updated_at")::"public"."positions_image_1",
        case
          when nested is null then null
          when tg_op = 'DELETE' then case when not taken or exists (
            select from "public"."positions" l
            where l."user_id" = r."user_id" and l."symbol" = r."symbol"
          ) then nested end
          when not exists (
            select from "public"."positions" l
            where l."user_id" = r."user_id" and l."symbol" = r."symbol" and row(l."user_id", l."symbol", l."quantity", l."updated_at")::"public"."positions_image_1" *= row(r."user_id", r."symbol", r."quantity", r."updated_at")::"public"."positions_image_1"
          ) then nested
          when not taken and (r."user_id", r."symbol") not in (
            select (h.image_1)."user_id", (h.image_1)."symbol"
            from "public"."positions_history" h
            where h.id >= nested and h.xid = transaction and h.operation = 'DELETE'
              and num_nonnulls(h.image_1) = 1
          ) then nested
        end
      from captured_rows r
      returning id, xmin, "image_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1")), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
      end if;
    elsif tg_op = 'UPDATE' and paired then
-- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
      -- partition has kept a row from arriving is there one more before than after.
      with stored as (
      insert into "public"."positions_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", "before_1"      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."user_id", r."symbol", r."quantity", r."updated_at")::"public"."positions_image_1", row(o."user_id", o."symbol", o."quantity", o."updated_at")::"public"."positions_image_1"      from (select row_number() over () as "number", c.* from captured_rows c) r
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as "number", c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o."number" = r."number"
      where coalesce(r."number", 0) > 0
      order by r."number"
      returning id, xmin, "image_1", "before_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1") || coalesce(record_send("before_1"), '')), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
    else
with stored as (
      insert into "public"."positions_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1"      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."user_id", r."symbol", r."quantity", r."updated_at")::"public"."positions_image_1"      from captured_rows r
      returning id, xmin, "image_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1")), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
    end if;
  else
    -- Not as installed: a column came or went, a partition was attached, the table has another name.
    -- Slower, and as exact.
    select * from pgwitness.drifted_shape(tg_relid, '{}'::text[]) into shape;
    statement := pgwitness.drifted_insert(
      pgwitness.history_of('"public"."positions_history"', 'positions_history', tg_relid, tg_name), tg_relid, tg_op, tg_level, tg_argv[0],
      '{}'::text[], '{}'::text[], null::text[], nested
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
line := 'AUDIT: WITNESS,' || first_id || ',1,WRITE,' || tg_op || ',TABLE,' || 'public.positions'
    || ',<none>,<none>,xid=' || transaction || ' sub=' || subtransaction || ' rows=' || row_count
    || ' ids=' || first_id || '-' || last_id || ' digest='
    || left(encode(sha256(outer_pad || sha256(inner_pad || 'd' || record_send(row(
      tg_op, moment, transaction, writer, acting, actor_id, request, application, client, partition_of
    )) || coalesce(bit_send(images), ''))), 'hex'), 32);
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
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
    """-- One row a change. Its image (the row after the change, before it for a DELETE) stands in the newest
-- image_<n>, or in drifted where the table was not as it was installed; before_<n> holds the row before an
-- UPDATE where the image before it is not to be found under the same key. position is set where a change comes
-- before others that were captured before it. The view <table>_changes reads it.
create table if not exists "public"."trades_history" (
  id               bigint generated always as identity,
  operation        text not null
    check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'BASELINE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  position         bigint,
  first_xmin       xid,
  drifted          json
);""",
    """-- It has no key of its own, and an image can be changed on a data subject's request: also where the database
-- publishes all its tables.
alter table "public"."trades_history" replica identity full;""",
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
    """-- Rows come in the order of both, so that a block range index is enough, and costs a write next to nothing
-- however much history there is.
create index if not exists "trades_history_changed_at" on "public"."trades_history" using brin (id, changed_at);""",
    """-- The row's columns as values of Postgres's own types, so that no type of the user's hangs on it.
do $capture$
declare
  held record;
begin
  create type "public"."trades_image_1" as ("id" bigint, "user_id" bigint, "symbol" text, "side" text, "quantity" numeric, "price" numeric, "executed_at" timestamp with time zone);
  revoke all on type "public"."trades_image_1" from public;
  -- Given by default privileges.
  for held in
    select distinct quote_ident(pg_get_userbyid(acl.grantee)) as grantee
    from pg_type t, aclexplode(t.typacl) acl
    where t.oid = to_regtype(format('%I.%I', 'public', 'trades_image_1')) and acl.grantee <> t.typowner
  loop
    execute format(
      'revoke all on type %I.%I from %s cascade', 'public', 'trades_image_1', held.grantee
    );
  end loop;
exception when duplicate_object then
  -- From an install that was taken away and left its history; not of a hand that was here before.
  if not exists (
    select from pg_type t
    where t.oid = to_regtype(format('%I.%I', 'public', 'trades_image_1'))
      and pg_get_userbyid(t.typowner) = current_user
  ) then
    raise exception 'the type %.% exists and is not ours', 'public', 'trades_image_1'
      using hint = 'Rename it, and run again.';
  end if;
end
$capture$;""",
    """alter table "public"."trades_history"
  add column if not exists "image_1" "public"."trades_image_1",
  add column if not exists "before_1" "public"."trades_image_1";""",
    """insert into pgwitness.image_shape (table_schema, table_name, number, attributes, key_columns)
values ('public', 'trades', '1', '[{"name":"id","type":"bigint","as":"value"},{"name":"user_id","type":"bigint","as":"value"},{"name":"symbol","type":"text","as":"value"},{"name":"side","type":"text","as":"value"},{"name":"quantity","type":"numeric","as":"value"},{"name":"price","type":"numeric","as":"value"},{"name":"executed_at","type":"timestamp with time zone","as":"value"}]', '{"id"}')
on conflict do nothing;""",
    """-- What a row was before, what it is after, and what differs. The row before an UPDATE is the newest one
-- under its key, which may be a baseline.
create or replace view "public"."trades_changes" as
select
  c.id, c.operation, c.changed_at, c.xid, c.session_role, c.active_role, c.actor, c.request_id,
  c.application_name, c.client_addr, c.partition_name, c.row_key, c.before, c.after,
  case when c.operation = 'UPDATE' then pgwitness.changed_columns(c.before, c.after) end as changed,
  c.place as position
from (
  select
    h.*, k.row_key, coalesce(h.position, h.id) as place,
    case h.operation
      when 'UPDATE' then coalesce(
        i.before,
        case when k.row_key is not null then
          lag(i.image) over (
            partition by k.key_values order by coalesce(h.position, h.id), h.id
          )
        end
      )
      when 'DELETE' then i.image
    end as before,
    case when h.operation in ('INSERT', 'UPDATE') then i.image end as after
  from "public"."trades_history" h
  cross join lateral (
    select to_jsonb(h.image_1) as image_1, to_jsonb(h.before_1) as before_1
  ) s
  cross join lateral (
    select
      coalesce(s.image_1, pgwitness.drifted_image(h.drifted, 'values')) as image,
      coalesce(s.before_1, pgwitness.drifted_image(h.drifted, 'before')) as before
  ) i
  cross join lateral (
    select case when s.image_1 is not null then '["id"]'::jsonb else pgwitness.drifted_key(h.drifted) end as key_names
  ) n
  cross join lateral (
    select
      pgwitness.row_key(i.image, n.key_names) as row_key,
      pgwitness.key_values(i.image, n.key_names) as key_values
  ) k
) c
where c.operation <> 'BASELINE';""",
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
        c.oid = to_regclass(format('%I.%I', 'public', 'trades_changes'))
        or c.oid = pg_get_serial_sequence(format('%I.%I', 'public', 'trades_changes'), 'id')::regclass
      )
  loop
    execute format(
      'revoke all on %s %s from %s cascade',
      case when held.is_sequence then 'sequence' else 'table' end, held.relation, held.grantee
    );
  end loop;
end
$capture$;""",
    """grant insert (operation, changed_at, xid, session_role, active_role, actor, request_id, application_name, client_addr, partition_name) on "public"."trades_history" to "raptor_app";""",
    """grant select on "public"."trades_history" to "raptor_app";""",
    """grant select on "public"."trades_history" to "audit_archiver";""",
    """grant update (drifted, image_1, before_1) on "public"."trades_history" to "audit_archiver";""",
    """grant select on "public"."trades_history" to "raptor_audit_compliance";""",
    """grant select on "public"."trades_changes" to "raptor_app";""",
    """grant select on "public"."trades_changes" to "audit_archiver";""",
    """grant select on "public"."trades_changes" to "raptor_audit_compliance";""",
    """-- As guard-append-only, for history that a role may pseudonymize: images may be changed, and nothing else.
create or replace trigger pgwitness_append_only
  before delete or truncate or update of
    id, operation, changed_at, xid, session_role, active_role, actor, request_id, application_name,
    client_addr, partition_name, position, first_xmin
  on "public"."trades_history"
  for each statement execute function pgwitness.refuse_change();""",
    """create or replace trigger pgwitness_first_xmin
  before update on "public"."trades_history"
  for each row execute function pgwitness.keep_first_xmin();""",
    """-- Whoever changes history leaves a line. An image that was changed is told by the digests that it had and
-- has, so that the digest of the statement that captured it can still be checked.
create or replace function "public"."fn_witness_trades_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = 'UTF8'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
as $capture$
#variable_conflict use_variable
declare
  transaction xid8 := pg_current_xact_id();
  inner_pad   bytea;
  outer_pad   bytea;
  row_count   bigint;
  facts       text;
  line        text;
  told        text;
begin
  select k.inner_pad, k.outer_pad into strict inner_pad, outer_pad from pgwitness.witness_key k;
  if tg_op = 'UPDATE' then
    for facts, row_count in
      select
        string_agg(
          n.id || ':' || left(encode(o.digest, 'hex'), 32) || ':' || left(encode(n.digest, 'hex'), 32), ';'
          order by n.number
        ),
        count(*)
      from (
        select row_number() over () as number, r.id, sha256(inner_pad || 'r' || int8send(r.id) || coalesce(record_send(r.image_1), '') || coalesce(record_send(r.before_1), '') || coalesce(convert_to(r.drifted::text, getdatabaseencoding()), '')) as digest from captured_rows r
      ) n
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as number, o.id, sha256(inner_pad || 'r' || int8send(o.id) || coalesce(record_send(o.image_1), '') || coalesce(record_send(o.before_1), '') || coalesce(convert_to(o.drifted::text, getdatabaseencoding()), '')) as digest from replaced_rows o
      ) o on o.number = n.number
      -- A line stays below 1.5 KB.
      group by (n.number - 1) / 16
    loop
      line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,UPDATE,TABLE,' || 'public.trades_history'
        || ',<none>,<none>,xid=' || transaction || ' rows=' || row_count || ' images=' || facts;
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
    end loop;
    return null;
  end if;
  if tg_op = 'DELETE' then
    select count(*), ' ids=' || min(r.id) || '-' || max(r.id) into row_count, facts from captured_rows r;
    if row_count = 0 then
      return null;
    end if;
    facts := ' rows=' || row_count || facts;
  end if;
  line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,' || tg_op || ',TABLE,' || 'public.trades_history'
    || ',<none>,<none>,xid=' || transaction || coalesce(facts, '');
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
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
    where f.oid = to_regprocedure(format('%I.%I()', 'public', 'fn_witness_trades_history'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', 'public', 'fn_witness_trades_history', held.grantee
    );
  end loop;
end
$capture$;""",
    """-- Not what capture itself inserts, as the owner and below a trigger: that is witnessed there. Without the rows,
-- which would be kept a second time at each captured write.
create or replace trigger "pgwitness_witness_insert"
  after insert on "public"."trades_history"
  for each statement when (pg_trigger_depth() = 0 or current_user <> 'raxx_owner')
  execute function "public"."fn_witness_trades_history"();""",
    """create or replace trigger "pgwitness_witness_update"
  after update on "public"."trades_history"
  referencing old table as replaced_rows new table as captured_rows
  for each statement execute function "public"."fn_witness_trades_history"();""",
    """create or replace trigger "pgwitness_witness_delete"
  after delete on "public"."trades_history"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_witness_trades_history"();""",
    """create or replace trigger "pgwitness_witness_truncate"
  after truncate on "public"."trades_history"
  for each statement execute function "public"."fn_witness_trades_history"();""",
    """-- With the owner's rights, so that a writer needs none on history. Nothing is looked up by the writer's
-- search_path, no image depends on what the writer's session has set, and neither a message nor a plan with
-- the key in it goes to the client.
create or replace function "public"."fn_capture_trades_history"() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = 'UTF8'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
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
  paired       boolean := 'true'::boolean;
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
if tg_op = 'TRUNCATE' or tg_level = 'ROW' then
    select k.inner_pad, k.outer_pad into inner_pad, outer_pad from pgwitness.witness_key k;
  else
    -- It names captured_rows, so that a change of the table has it planned, and places_of asked, anew.
    select k.inner_pad, k.outer_pad, exists (select from captured_rows),
        tg_relid = any (pgwitness.places_of(
          'public', 'trades', '''id'' bigint, ''user_id'' bigint, ''symbol'' text, ''side'' text, ''quantity'' numeric, ''price'' numeric, ''executed_at'' timestamp with time zone', 'public.trades_pkey', 'CREATE UNIQUE INDEX trades_pkey ON public.trades USING btree (id)', '{}'::text[],
          '{1,2,3,4,5,6,7}'::int[]
        ))
      into inner_pad, outer_pad, any_rows, as_installed
      from pgwitness.witness_key k;
  end if;
  if inner_pad is null then
    raise exception using
      errcode = 'data_corrupted',
      message = 'pgwitness.witness_key holds no key: what is written could not be witnessed',
      hint = 'The owner runs `pgwitness install`, which makes a new one.';
  end if;
  if not any_rows then
    return null;
  end if;
  -- Not "partition or not" by name: a table can be renamed under its triggers.
  if tg_argv[0] = 'partition' then
    partition_of := format('%I.%I', tg_table_schema, tg_table_name);
  end if;

-- A statement that a trigger runs amid another one on this table is captured first. It keeps a number below
  -- its own for each one around it, by depth, which that takes as its place in the order.
  nesting := current_setting('pgwitness.nesting_f9011ac6f2b08dd3', true);
  if nesting > '' or pg_trigger_depth() > 1 then
    if starts_with(nesting, statement_timestamp()::text || '/') then
      places := (string_to_array(substring(nesting from '/([0-9c,]*)$'), ','))[1:pg_trigger_depth()];
    end if;
    nested := substring(places[pg_trigger_depth()] from '^([0-9]{1,18})c?$')::bigint;
    if nested is not null then
      -- Taken: of an upsert the other half may still ask for it, and so may a later statement of the query.
      taken := places[pg_trigger_depth()] like '%c';
      places[pg_trigger_depth()] := nested || 'c';
    end if;
    for level in 1 .. pg_trigger_depth() - 1 loop
      if coalesce(places[level], '') !~ '^[0-9]{1,18}$' then
        places[level] := nextval(pg_get_serial_sequence(
          pgwitness.history_of('"public"."trades_history"', 'trades_history', tg_relid, tg_name), 'id'
        ));
      end if;
    end loop;
    perform set_config(
      'pgwitness.nesting_f9011ac6f2b08dd3', statement_timestamp()::text || '/' || coalesce(array_to_string(places, ',', ''), ''), true
    );
  end if;
  if tg_op = 'TRUNCATE' then
    execute format(
      $insert$
        insert into %s (
          operation, changed_at, xid, session_role, active_role, actor, request_id,
          application_name, client_addr, partition_name
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning 0, id, id, xmin::text
      $insert$,
      pgwitness.history_of('"public"."trades_history"', 'trades_history', tg_relid, tg_name)
    )
      into row_count, first_id, last_id, subtransaction
      using tg_op, moment, transaction, writer, acting, actor_id, request, application, client,
        partition_of;
  elsif as_installed then
if nested is not null then
      if tg_op = 'UPDATE' then
-- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
      -- partition has kept a row from arriving is there one more before than after.
      with stored as (
      insert into "public"."trades_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", "before_1", position
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."user_id", r."symbol", r."side", r."quantity", r."price", r."executed_at")::"public"."trades_image_1", row(o."id", o."user_id", o."symbol", o."side", o."quantity", o."price", o."executed_at")::"public"."trades_image_1",
        case
          when nested is null or not taken then nested
          when not exists (
            select from "public"."trades" l
            where l."id" = r."id" and row(l."id", l."user_id", l."symbol", l."side", l."quantity", l."price", l."executed_at")::"public"."trades_image_1" *= row(r."id", r."user_id", r."symbol", r."side", r."quantity", r."price", r."executed_at")::"public"."trades_image_1"
          ) then nested
        end
      from (select row_number() over () as "number", c.* from captured_rows c) r
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as "number", c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o."number" = r."number"
      where coalesce(r."number", 0) > 0
      order by r."number"
      returning id, xmin, "image_1", "before_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1") || coalesce(record_send("before_1"), '')), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
      else
with stored as (
      insert into "public"."trades_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", position
      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."user_id", r."symbol", r."side", r."quantity", r."price", r."executed_at")::"public"."trades_image_1",
        case
          when nested is null then null
          when tg_op = 'DELETE' then case when not taken or exists (
            select from "public"."trades" l
            where l."id" = r."id"
          ) then nested end
          when not exists (
            select from "public"."trades" l
            where l."id" = r."id" and row(l."id", l."user_id", l."symbol", l."side", l."quantity", l."price", l."executed_at")::"public"."trades_image_1" *= row(r."id", r."user_id", r."symbol", r."side", r."quantity", r."price", r."executed_at")::"public"."trades_image_1"
          ) then nested
          when not taken and (r."id") not in (
            select (h.image_1)."id"
            from "public"."trades_history" h
            where h.id >= nested and h.xid = transaction and h.operation = 'DELETE'
              and num_nonnulls(h.image_1) = 1
          ) then nested
        end
      from captured_rows r
      returning id, xmin, "image_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1")), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
      end if;
    elsif tg_op = 'UPDATE' and paired then
-- Both tables hold the rows in the order in which they were updated. Only where a trigger of a
      -- partition has kept a row from arriving is there one more before than after.
      with stored as (
      insert into "public"."trades_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1", "before_1"      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."user_id", r."symbol", r."side", r."quantity", r."price", r."executed_at")::"public"."trades_image_1", row(o."id", o."user_id", o."symbol", o."side", o."quantity", o."price", o."executed_at")::"public"."trades_image_1"      from (select row_number() over () as "number", c.* from captured_rows c) r
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as "number", c.* from replaced_rows c
        where (select count(*) from captured_rows) = (select count(*) from replaced_rows)
      ) o on o."number" = r."number"
      where coalesce(r."number", 0) > 0
      order by r."number"
      returning id, xmin, "image_1", "before_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1") || coalesce(record_send("before_1"), '')), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
    else
with stored as (
      insert into "public"."trades_history" (
        operation, changed_at, xid, session_role, active_role, actor, request_id,
        application_name, client_addr, partition_name, "image_1"      )
      select tg_op, moment, transaction, writer, acting, actor_id, request,
        application, client, partition_of, row(r."id", r."user_id", r."symbol", r."side", r."quantity", r."price", r."executed_at")::"public"."trades_image_1"      from captured_rows r
      returning id, xmin, "image_1"
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(sha256(inner_pad || 'r' || int8send(id) || record_send("image_1")), 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored;
    end if;
  else
    -- Not as installed: a column came or went, a partition was attached, the table has another name.
    -- Slower, and as exact.
    select * from pgwitness.drifted_shape(tg_relid, '{}'::text[]) into shape;
    statement := pgwitness.drifted_insert(
      pgwitness.history_of('"public"."trades_history"', 'trades_history', tg_relid, tg_name), tg_relid, tg_op, tg_level, tg_argv[0],
      '{}'::text[], '{}'::text[], null::text[], nested
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
line := 'AUDIT: WITNESS,' || first_id || ',1,WRITE,' || tg_op || ',TABLE,' || 'public.trades'
    || ',<none>,<none>,xid=' || transaction || ' sub=' || subtransaction || ' rows=' || row_count
    || ' ids=' || first_id || '-' || last_id || ' digest='
    || left(encode(sha256(outer_pad || sha256(inner_pad || 'd' || record_send(row(
      tg_op, moment, transaction, writer, acting, actor_id, request, application, client, partition_of
    )) || coalesce(bit_send(images), ''))), 'hex'), 32);
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
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
    """grant execute on function pgwitness.pseudonym(text) to "audit_archiver";""",
    """-- Tables that only grow have no history: what is written to them leaves a line, with a digest of the rows.
create or replace function pgwitness.witness_append_only() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = 'UTF8'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
set extra_float_digits = 1
set TimeZone = 'UTC'
set DateStyle = 'ISO, YMD'
set IntervalStyle = 'postgres'
set bytea_output = 'hex'
as $capture$
#variable_conflict use_variable
declare
  transaction xid8 := pg_current_xact_id();
  object      text := tg_argv[0];
  inner_pad   bytea;
  outer_pad   bytea;
  row_count   bigint;
  images      bit(128);
  line        text;
  told        text;
begin
  select k.inner_pad, k.outer_pad into inner_pad, outer_pad from pgwitness.witness_key k;
  if inner_pad is null then
    raise exception using
      errcode = 'data_corrupted',
      message = 'pgwitness.witness_key holds no key: what is written could not be witnessed',
      hint = 'The owner runs `pgwitness install`, which makes a new one.';
  end if;
  line := 'AUDIT: WITNESS,' || transaction || ',1,WRITE,' || tg_op || ',TABLE,' || object
    || ',<none>,<none>,xid=' || transaction;
  if tg_op <> 'TRUNCATE' then
    -- captured_rows.* as text: a column may have any name and any type.
    select count(*), bit_xor(('x' || encode(sha256(
        inner_pad || 'r' || convert_to((captured_rows.*)::text, getdatabaseencoding())
      ), 'hex'))::bit(128))
      into row_count, images from captured_rows;
    if row_count = 0 then
      return null;
    end if;
    line := line || ' rows=' || row_count || ' digest=' || left(encode(sha256(outer_pad || sha256(
      inner_pad || 'd' || bit_send(images)
    )), 'hex'), 32);
  end if;
line := line || ',' || left(encode(sha256(outer_pad || sha256(
    inner_pad || 'l' || convert_to(line, getdatabaseencoding())
  )), 'hex'), 32);
  -- The server adds the statement's text to a LOG and not to a WARNING: it comes once a top-level query,
  -- however many lines that makes. The mark is keyed, so that no one can leave out the text of their own.
  told := encode(sha256(outer_pad || sha256(
    inner_pad || 't' || int4send(pg_backend_pid()) || timestamptz_send(statement_timestamp())
  )), 'hex');
  if current_setting('pgwitness.told', true) is distinct from told then
    perform set_config('pgwitness.told', told, true);
    raise log '%', line;
  elsif current_setting('log_min_messages') in ('error', 'log', 'fatal', 'panic') then
    -- Here a WARNING would not be written.
    raise log '%', line;
  else
    raise warning '%', line;
  end if;
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
    where f.oid = to_regprocedure(format('%I.%I()', 'pgwitness', 'witness_append_only'))
      and acl.grantee <> f.proowner
  loop
    execute format(
      'revoke all on function %I.%I() from %s cascade', 'pgwitness', 'witness_append_only', held.grantee
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
  referencing old table as replaced_rows new table as captured_rows
  for each statement execute function "public"."fn_capture_users_history"('table');""",
    """create or replace trigger "trg_users_history_delete"
  after delete on "public"."users"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_capture_users_history"('table');""",
    """create or replace trigger "trg_users_history_truncate"
  after truncate on "public"."users"
  for each statement execute function "public"."fn_capture_users_history"('table');""",
    """-- Ids for a baseline, above all that were given out and below all that will be: history's own go on 2^40
-- further up. Those that a writer takes between the two calls lie below 2^39, and the baseline's above that.
do $capture$
declare
  relation regclass := to_regclass(format('%I.%I', 'public', 'users'));
  ids regclass := pg_get_serial_sequence(format('%I.%I', 'public', 'users_history'), 'id');
  last_given bigint := nextval(ids);
begin
  perform setval(ids, last_given + (1::bigint << 40));
  -- Of a history that was dropped since: its ids say nothing of the one that is there now.
  delete from pgwitness.baseline b
  where b.table_schema = 'public' and b.table_name = 'users' and b.last_id >= last_given;
  insert into pgwitness.baseline (
    table_schema, table_name, first_id, last_id, shape, because, places, database, holds_since, completed_at
  )
  select
    'public', 'users',
    last_given + (1::bigint << 39), last_given + (1::bigint << 40),
    '1'::int, 'installed',
    coalesce(
      jsonb_object_agg(c.oid::text, jsonb_build_object(
        'name', format('%I.%I', n.nspname, c.relname),
        'filenode', pg_relation_filenode(c.oid)::text
      )),
      '{}'
    ),
    (select d.oid from pg_database d where d.datname = current_database()),
    -- Where writers are locked out there is none left that does not know of it. Without a key both images of
    -- each UPDATE are kept always, and an image before them would be found by nothing.
    case when 'true'::boolean or not 'true'::boolean then clock_timestamp() end,
    case when not 'true'::boolean then clock_timestamp() end
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r'
    and (c.oid = relation or c.oid in (select t.relid from pg_partition_tree(relation) t))
    and (
      null::text[] is null
      or c.oid in (select to_regclass(place)::oid from unnest(null::text[]) place)
    );
end
$capture$;""",
    """create or replace trigger "trg_sessions_history"
  after insert on "public"."sessions"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_sessions_history"('table');""",
    """create or replace trigger "trg_sessions_history_update"
  after update on "public"."sessions"
  referencing old table as replaced_rows new table as captured_rows
  for each statement execute function "public"."fn_capture_sessions_history"('table');""",
    """create or replace trigger "trg_sessions_history_delete"
  after delete on "public"."sessions"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_capture_sessions_history"('table');""",
    """create or replace trigger "trg_sessions_history_truncate"
  after truncate on "public"."sessions"
  for each statement execute function "public"."fn_capture_sessions_history"('table');""",
    """-- Ids for a baseline, above all that were given out and below all that will be: history's own go on 2^40
-- further up. Those that a writer takes between the two calls lie below 2^39, and the baseline's above that.
do $capture$
declare
  relation regclass := to_regclass(format('%I.%I', 'public', 'sessions'));
  ids regclass := pg_get_serial_sequence(format('%I.%I', 'public', 'sessions_history'), 'id');
  last_given bigint := nextval(ids);
begin
  perform setval(ids, last_given + (1::bigint << 40));
  -- Of a history that was dropped since: its ids say nothing of the one that is there now.
  delete from pgwitness.baseline b
  where b.table_schema = 'public' and b.table_name = 'sessions' and b.last_id >= last_given;
  insert into pgwitness.baseline (
    table_schema, table_name, first_id, last_id, shape, because, places, database, holds_since, completed_at
  )
  select
    'public', 'sessions',
    last_given + (1::bigint << 39), last_given + (1::bigint << 40),
    '1'::int, 'installed',
    coalesce(
      jsonb_object_agg(c.oid::text, jsonb_build_object(
        'name', format('%I.%I', n.nspname, c.relname),
        'filenode', pg_relation_filenode(c.oid)::text
      )),
      '{}'
    ),
    (select d.oid from pg_database d where d.datname = current_database()),
    -- Where writers are locked out there is none left that does not know of it. Without a key both images of
    -- each UPDATE are kept always, and an image before them would be found by nothing.
    case when 'true'::boolean or not 'true'::boolean then clock_timestamp() end,
    case when not 'true'::boolean then clock_timestamp() end
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r'
    and (c.oid = relation or c.oid in (select t.relid from pg_partition_tree(relation) t))
    and (
      null::text[] is null
      or c.oid in (select to_regclass(place)::oid from unnest(null::text[]) place)
    );
end
$capture$;""",
    """create or replace trigger "trg_passkeys_history"
  after insert on "public"."passkeys"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_passkeys_history"('table');""",
    """create or replace trigger "trg_passkeys_history_update"
  after update on "public"."passkeys"
  referencing old table as replaced_rows new table as captured_rows
  for each statement execute function "public"."fn_capture_passkeys_history"('table');""",
    """create or replace trigger "trg_passkeys_history_delete"
  after delete on "public"."passkeys"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_capture_passkeys_history"('table');""",
    """create or replace trigger "trg_passkeys_history_truncate"
  after truncate on "public"."passkeys"
  for each statement execute function "public"."fn_capture_passkeys_history"('table');""",
    """-- Ids for a baseline, above all that were given out and below all that will be: history's own go on 2^40
-- further up. Those that a writer takes between the two calls lie below 2^39, and the baseline's above that.
do $capture$
declare
  relation regclass := to_regclass(format('%I.%I', 'public', 'passkeys'));
  ids regclass := pg_get_serial_sequence(format('%I.%I', 'public', 'passkeys_history'), 'id');
  last_given bigint := nextval(ids);
begin
  perform setval(ids, last_given + (1::bigint << 40));
  -- Of a history that was dropped since: its ids say nothing of the one that is there now.
  delete from pgwitness.baseline b
  where b.table_schema = 'public' and b.table_name = 'passkeys' and b.last_id >= last_given;
  insert into pgwitness.baseline (
    table_schema, table_name, first_id, last_id, shape, because, places, database, holds_since, completed_at
  )
  select
    'public', 'passkeys',
    last_given + (1::bigint << 39), last_given + (1::bigint << 40),
    '1'::int, 'installed',
    coalesce(
      jsonb_object_agg(c.oid::text, jsonb_build_object(
        'name', format('%I.%I', n.nspname, c.relname),
        'filenode', pg_relation_filenode(c.oid)::text
      )),
      '{}'
    ),
    (select d.oid from pg_database d where d.datname = current_database()),
    -- Where writers are locked out there is none left that does not know of it. Without a key both images of
    -- each UPDATE are kept always, and an image before them would be found by nothing.
    case when 'true'::boolean or not 'true'::boolean then clock_timestamp() end,
    case when not 'true'::boolean then clock_timestamp() end
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r'
    and (c.oid = relation or c.oid in (select t.relid from pg_partition_tree(relation) t))
    and (
      null::text[] is null
      or c.oid in (select to_regclass(place)::oid from unnest(null::text[]) place)
    );
end
$capture$;""",
    """create or replace trigger "trg_subscriptions_history"
  after insert on "public"."subscriptions"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_subscriptions_history"('table');""",
    """create or replace trigger "trg_subscriptions_history_update"
  after update on "public"."subscriptions"
  referencing old table as replaced_rows new table as captured_rows
  for each statement execute function "public"."fn_capture_subscriptions_history"('table');""",
    """create or replace trigger "trg_subscriptions_history_delete"
  after delete on "public"."subscriptions"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_capture_subscriptions_history"('table');""",
    """create or replace trigger "trg_subscriptions_history_truncate"
  after truncate on "public"."subscriptions"
  for each statement execute function "public"."fn_capture_subscriptions_history"('table');""",
    """-- Ids for a baseline, above all that were given out and below all that will be: history's own go on 2^40
-- further up. Those that a writer takes between the two calls lie below 2^39, and the baseline's above that.
do $capture$
declare
  relation regclass := to_regclass(format('%I.%I', 'public', 'subscriptions'));
  ids regclass := pg_get_serial_sequence(format('%I.%I', 'public', 'subscriptions_history'), 'id');
  last_given bigint := nextval(ids);
begin
  perform setval(ids, last_given + (1::bigint << 40));
  -- Of a history that was dropped since: its ids say nothing of the one that is there now.
  delete from pgwitness.baseline b
  where b.table_schema = 'public' and b.table_name = 'subscriptions' and b.last_id >= last_given;
  insert into pgwitness.baseline (
    table_schema, table_name, first_id, last_id, shape, because, places, database, holds_since, completed_at
  )
  select
    'public', 'subscriptions',
    last_given + (1::bigint << 39), last_given + (1::bigint << 40),
    '1'::int, 'installed',
    coalesce(
      jsonb_object_agg(c.oid::text, jsonb_build_object(
        'name', format('%I.%I', n.nspname, c.relname),
        'filenode', pg_relation_filenode(c.oid)::text
      )),
      '{}'
    ),
    (select d.oid from pg_database d where d.datname = current_database()),
    -- Where writers are locked out there is none left that does not know of it. Without a key both images of
    -- each UPDATE are kept always, and an image before them would be found by nothing.
    case when 'true'::boolean or not 'true'::boolean then clock_timestamp() end,
    case when not 'true'::boolean then clock_timestamp() end
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r'
    and (c.oid = relation or c.oid in (select t.relid from pg_partition_tree(relation) t))
    and (
      null::text[] is null
      or c.oid in (select to_regclass(place)::oid from unnest(null::text[]) place)
    );
end
$capture$;""",
    """create or replace trigger "trg_positions_history"
  after insert on "public"."positions"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_positions_history"('table');""",
    """create or replace trigger "trg_positions_history_update"
  after update on "public"."positions"
  referencing old table as replaced_rows new table as captured_rows
  for each statement execute function "public"."fn_capture_positions_history"('table');""",
    """create or replace trigger "trg_positions_history_delete"
  after delete on "public"."positions"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_capture_positions_history"('table');""",
    """create or replace trigger "trg_positions_history_truncate"
  after truncate on "public"."positions"
  for each statement execute function "public"."fn_capture_positions_history"('table');""",
    """-- Ids for a baseline, above all that were given out and below all that will be: history's own go on 2^40
-- further up. Those that a writer takes between the two calls lie below 2^39, and the baseline's above that.
do $capture$
declare
  relation regclass := to_regclass(format('%I.%I', 'public', 'positions'));
  ids regclass := pg_get_serial_sequence(format('%I.%I', 'public', 'positions_history'), 'id');
  last_given bigint := nextval(ids);
begin
  perform setval(ids, last_given + (1::bigint << 40));
  -- Of a history that was dropped since: its ids say nothing of the one that is there now.
  delete from pgwitness.baseline b
  where b.table_schema = 'public' and b.table_name = 'positions' and b.last_id >= last_given;
  insert into pgwitness.baseline (
    table_schema, table_name, first_id, last_id, shape, because, places, database, holds_since, completed_at
  )
  select
    'public', 'positions',
    last_given + (1::bigint << 39), last_given + (1::bigint << 40),
    '1'::int, 'installed',
    coalesce(
      jsonb_object_agg(c.oid::text, jsonb_build_object(
        'name', format('%I.%I', n.nspname, c.relname),
        'filenode', pg_relation_filenode(c.oid)::text
      )),
      '{}'
    ),
    (select d.oid from pg_database d where d.datname = current_database()),
    -- Where writers are locked out there is none left that does not know of it. Without a key both images of
    -- each UPDATE are kept always, and an image before them would be found by nothing.
    case when 'true'::boolean or not 'true'::boolean then clock_timestamp() end,
    case when not 'true'::boolean then clock_timestamp() end
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r'
    and (c.oid = relation or c.oid in (select t.relid from pg_partition_tree(relation) t))
    and (
      null::text[] is null
      or c.oid in (select to_regclass(place)::oid from unnest(null::text[]) place)
    );
end
$capture$;""",
    """create or replace trigger "trg_trades_history"
  after insert on "public"."trades"
  referencing new table as captured_rows
  for each statement execute function "public"."fn_capture_trades_history"('table');""",
    """create or replace trigger "trg_trades_history_update"
  after update on "public"."trades"
  referencing old table as replaced_rows new table as captured_rows
  for each statement execute function "public"."fn_capture_trades_history"('table');""",
    """create or replace trigger "trg_trades_history_delete"
  after delete on "public"."trades"
  referencing old table as captured_rows
  for each statement execute function "public"."fn_capture_trades_history"('table');""",
    """create or replace trigger "trg_trades_history_truncate"
  after truncate on "public"."trades"
  for each statement execute function "public"."fn_capture_trades_history"('table');""",
    """-- Ids for a baseline, above all that were given out and below all that will be: history's own go on 2^40
-- further up. Those that a writer takes between the two calls lie below 2^39, and the baseline's above that.
do $capture$
declare
  relation regclass := to_regclass(format('%I.%I', 'public', 'trades'));
  ids regclass := pg_get_serial_sequence(format('%I.%I', 'public', 'trades_history'), 'id');
  last_given bigint := nextval(ids);
begin
  perform setval(ids, last_given + (1::bigint << 40));
  -- Of a history that was dropped since: its ids say nothing of the one that is there now.
  delete from pgwitness.baseline b
  where b.table_schema = 'public' and b.table_name = 'trades' and b.last_id >= last_given;
  insert into pgwitness.baseline (
    table_schema, table_name, first_id, last_id, shape, because, places, database, holds_since, completed_at
  )
  select
    'public', 'trades',
    last_given + (1::bigint << 39), last_given + (1::bigint << 40),
    '1'::int, 'installed',
    coalesce(
      jsonb_object_agg(c.oid::text, jsonb_build_object(
        'name', format('%I.%I', n.nspname, c.relname),
        'filenode', pg_relation_filenode(c.oid)::text
      )),
      '{}'
    ),
    (select d.oid from pg_database d where d.datname = current_database()),
    -- Where writers are locked out there is none left that does not know of it. Without a key both images of
    -- each UPDATE are kept always, and an image before them would be found by nothing.
    case when 'true'::boolean or not 'true'::boolean then clock_timestamp() end,
    case when not 'true'::boolean then clock_timestamp() end
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r'
    and (c.oid = relation or c.oid in (select t.relid from pg_partition_tree(relation) t))
    and (
      null::text[] is null
      or c.oid in (select to_regclass(place)::oid from unnest(null::text[]) place)
    );
end
$capture$;""",
    """-- Binds everyone but the owner, who can take it off: that leaves a line in the log where the owner's DDL
-- is logged, and `pgwitness plan --check` finds it.
create or replace trigger pgwitness_append_only
  before update or delete or truncate on "public"."customer_audit_events"
  for each statement execute function pgwitness.refuse_change();""",
    """create or replace trigger "pgwitness_witness_insert"
  after insert on "public"."customer_audit_events"
  referencing new table as captured_rows
  for each statement execute function pgwitness.witness_append_only('public.customer_audit_events');""",
    """create or replace trigger "pgwitness_witness_update"
  after update on "public"."customer_audit_events"
  referencing new table as captured_rows
  for each statement execute function pgwitness.witness_append_only('public.customer_audit_events');""",
    """create or replace trigger "pgwitness_witness_delete"
  after delete on "public"."customer_audit_events"
  referencing old table as captured_rows
  for each statement execute function pgwitness.witness_append_only('public.customer_audit_events');""",
    """create or replace trigger "pgwitness_witness_truncate"
  after truncate on "public"."customer_audit_events"
  for each statement execute function pgwitness.witness_append_only('public.customer_audit_events');""",
    """insert into pgwitness.captured_table (
  table_schema, table_name, kind, history_name, function_name, fingerprint, app
) values (
  'public', 'users', 'history', 'users_history', 'fn_capture_users_history', 'aeb002de2fd6bcc397df71fa1188fde0b2c2f5c33bd5af0db0d40dd522f41503', null
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
  'public', 'sessions', 'history', 'sessions_history', 'fn_capture_sessions_history', '4d9c5ad0a710c781c6c1d486a80e10640181adbdd0b6f902ea64768f281a53a6', null
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
  'public', 'passkeys', 'history', 'passkeys_history', 'fn_capture_passkeys_history', '92d105d58985bad9d5e49232771c5cda4fce65a8384518810bdc6c559c5f26ee', null
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
  'public', 'subscriptions', 'history', 'subscriptions_history', 'fn_capture_subscriptions_history', 'bdef7fe20724339907eef1be971c46f31678f74fbbe35c95f80ba3291b150b9e', null
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
  'public', 'positions', 'history', 'positions_history', 'fn_capture_positions_history', '8d652ba5a2eec8013f9b769a697ae52ac9d2ec59b0410a2a9ddde333b3e282c3', null
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
  'public', 'trades', 'history', 'trades_history', 'fn_capture_trades_history', 'da3d2e9ad66a367e90b6bb331fde41f925ac734813b8ccc4b2297995fcd0073f', null
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
    """drop trigger if exists "pgwitness_witness_truncate" on "public"."customer_audit_events";""",
    """drop trigger if exists "pgwitness_witness_delete" on "public"."customer_audit_events";""",
    """drop trigger if exists "pgwitness_witness_update" on "public"."customer_audit_events";""",
    """drop trigger if exists "pgwitness_witness_insert" on "public"."customer_audit_events";""",
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
    """drop function if exists "pgwitness"."witness_append_only"();""",
    """drop function if exists "public"."fn_capture_trades_history"();""",
    """drop trigger if exists "pgwitness_witness_truncate" on "public"."trades_history";""",
    """drop trigger if exists "pgwitness_witness_delete" on "public"."trades_history";""",
    """drop trigger if exists "pgwitness_witness_update" on "public"."trades_history";""",
    """drop trigger if exists "pgwitness_witness_insert" on "public"."trades_history";""",
    """drop function if exists "public"."fn_witness_trades_history"();""",
    """drop trigger if exists "pgwitness_first_xmin" on "public"."trades_history";""",
    """drop trigger if exists "pgwitness_append_only" on "public"."trades_history";""",
    """drop function if exists "public"."fn_capture_positions_history"();""",
    """drop trigger if exists "pgwitness_witness_truncate" on "public"."positions_history";""",
    """drop trigger if exists "pgwitness_witness_delete" on "public"."positions_history";""",
    """drop trigger if exists "pgwitness_witness_update" on "public"."positions_history";""",
    """drop trigger if exists "pgwitness_witness_insert" on "public"."positions_history";""",
    """drop function if exists "public"."fn_witness_positions_history"();""",
    """drop trigger if exists "pgwitness_first_xmin" on "public"."positions_history";""",
    """drop trigger if exists "pgwitness_append_only" on "public"."positions_history";""",
    """drop function if exists "public"."fn_capture_subscriptions_history"();""",
    """drop trigger if exists "pgwitness_witness_truncate" on "public"."subscriptions_history";""",
    """drop trigger if exists "pgwitness_witness_delete" on "public"."subscriptions_history";""",
    """drop trigger if exists "pgwitness_witness_update" on "public"."subscriptions_history";""",
    """drop trigger if exists "pgwitness_witness_insert" on "public"."subscriptions_history";""",
    """drop function if exists "public"."fn_witness_subscriptions_history"();""",
    """drop trigger if exists "pgwitness_first_xmin" on "public"."subscriptions_history";""",
    """drop trigger if exists "pgwitness_append_only" on "public"."subscriptions_history";""",
    """drop function if exists "public"."fn_capture_passkeys_history"();""",
    """drop trigger if exists "pgwitness_witness_truncate" on "public"."passkeys_history";""",
    """drop trigger if exists "pgwitness_witness_delete" on "public"."passkeys_history";""",
    """drop trigger if exists "pgwitness_witness_update" on "public"."passkeys_history";""",
    """drop trigger if exists "pgwitness_witness_insert" on "public"."passkeys_history";""",
    """drop function if exists "public"."fn_witness_passkeys_history"();""",
    """drop trigger if exists "pgwitness_first_xmin" on "public"."passkeys_history";""",
    """drop trigger if exists "pgwitness_append_only" on "public"."passkeys_history";""",
    """drop function if exists "public"."fn_capture_sessions_history"();""",
    """drop trigger if exists "pgwitness_witness_truncate" on "public"."sessions_history";""",
    """drop trigger if exists "pgwitness_witness_delete" on "public"."sessions_history";""",
    """drop trigger if exists "pgwitness_witness_update" on "public"."sessions_history";""",
    """drop trigger if exists "pgwitness_witness_insert" on "public"."sessions_history";""",
    """drop function if exists "public"."fn_witness_sessions_history"();""",
    """drop trigger if exists "pgwitness_first_xmin" on "public"."sessions_history";""",
    """drop trigger if exists "pgwitness_append_only" on "public"."sessions_history";""",
    """drop function if exists "public"."fn_capture_users_history"();""",
    """drop trigger if exists "pgwitness_witness_truncate" on "public"."users_history";""",
    """drop trigger if exists "pgwitness_witness_delete" on "public"."users_history";""",
    """drop trigger if exists "pgwitness_witness_update" on "public"."users_history";""",
    """drop trigger if exists "pgwitness_witness_insert" on "public"."users_history";""",
    """drop function if exists "public"."fn_witness_users_history"();""",
    """drop trigger if exists "pgwitness_first_xmin" on "public"."users_history";""",
    """drop trigger if exists "pgwitness_append_only" on "public"."users_history";""",
    """set local lock_timeout to default;""",
    """reset role;""",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
