-- The form of one table's images: which attribute of its composite type holds which column, and how.
create table if not exists pgwitness.image_shape (
  table_schema text not null,
  table_name   text not null,
  number       int not null check (number > 0),
  -- [{"name", "type", "as": "value" | "text" | "token"}] in the order of the type's attributes.
  attributes   jsonb not null,
  key_columns  text[] not null,
  made_at      timestamptz not null default now(),
  primary key (table_schema, table_name, number)
);

grant select on pgwitness.image_shape to public;

-- Since when before and after are told of every row that was there already. A baseline keeps an image of each
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
);

grant select on pgwitness.baseline to public;

-- One key, made here and never sent anywhere: HMAC-SHA256 (RFC 2104) with its two pads made ready. It
-- outlives uninstall, since what was written with it can be checked with nothing else.
create table if not exists pgwitness.witness_key (
  only_one  boolean primary key default true check (only_one),
  key       bytea not null check (length(key) = 32),
  inner_pad bytea not null check (length(inner_pad) = 64),
  outer_pad bytea not null check (length(outer_pad) = 64),
  made_at   timestamptz not null default now()
);

revoke all on pgwitness.witness_key from public;

do $key$
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
$key$;

-- A keyed token in a value's place: the same value gives the same token, and it can't be guessed from it.
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
$token$;

revoke all on function pgwitness.token(text) from public;

-- Columns as they are at this moment. Read from the relation's own description and not from the catalogue's
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
$columns$;

revoke all on function pgwitness.columns_of(oid) from public;

-- The table and its partitions, where all is as it was installed: else nothing. It is no constant, and yet
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
$places$;

revoke all on function pgwitness.places_of(text, text, text, text, text, text[], int[]) from public;

-- History as SQL writes it: by its name, or, where its schema has another name by now, beside the function
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
$history$;

revoke all on function pgwitness.history_of(text, text, oid, text) from public;

-- Of a table that is not as it was installed: an expression for the json of a row, every value as its
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
$drifted$;

revoke all on function pgwitness.drifted_values(oid, text, text[], text[], text[]) from public;

-- The statement that keeps rows of a table that is not as it was installed. Its parameters: $1 to $10 as the
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
$insert$;

revoke all on function pgwitness.drifted_insert(
  text, oid, text, text, text, text[], text[], text[], bigint
)
from public;

-- As what type an image keeps a value of this one: itself, or the one that it is a domain over, where that is
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
$kept$;

revoke all on function pgwitness.kept_as(text) from public;

-- Types and key that go with drifted_values. The key's columns come from the catalogue's tables, for which
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
$shape$;

revoke all on function pgwitness.drifted_shape(oid, text[]) from public;

-- A text as what jsonb makes of a value of that type; as itself where the type is not Postgres's own or the
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
$value$;

-- One row of drifted history, `part` being 'values' or 'before'. Null where it is not as capture writes it.
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
$image$;

-- The names of its key, in their order.
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
$key$;

-- Whoever may change images may have written null in a name's place, of which no object can be made.
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
$key$;

-- A key by its values alone: they stay the same where a column of it is renamed.
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
$key$;

-- The columns in which two images differ.
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
$changed$;

-- The transaction that captured a row stays known when its image is changed.
create or replace function pgwitness.keep_first_xmin() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $keep$
begin
  new.first_xmin := coalesce(old.first_xmin, old.xmin);
  return new;
end
$keep$;

revoke all on function pgwitness.keep_first_xmin() from public;

-- What a view <table>_changes calls runs with the rights of whoever reads it.
grant execute on function
  pgwitness.value_as_jsonb(text, text), pgwitness.drifted_image(json, text), pgwitness.drifted_key(json),
  pgwitness.row_key(jsonb, jsonb), pgwitness.key_values(jsonb, jsonb),
  pgwitness.changed_columns(jsonb, jsonb)
to public;

-- The token of a value that stands in history, for the roles that may pseudonymize: the plan grants it to them
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
$pseudonym$;

revoke all on function pgwitness.pseudonym(text) from public;

-- The key of a row of drifted history as the text of an array: the columns `names`, or, where the row has
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
$key$;

-- Drifted history with tokens in place of the values of these columns, and the rest of its text as it was.
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
$pseudonyms$;

-- They call pgwitness.pseudonym as whoever runs them.
grant execute on function
  pgwitness.drifted_key_text(json, text, text[], int[]), pgwitness.drifted_pseudonyms(json, text[])
to public;
