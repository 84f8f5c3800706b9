-- $1, $2: schemas and names of tables, pairwise. $3: role that is to own all.
select
  wanted.schema, wanted.name,
  n.oid is not null as schema_exists,
  coalesce(has_schema_privilege(owner.oid, n.oid, 'create'), false) as owner_may_create,
  c.oid::text as oid,
  c.relkind as kind,
  c.relpersistence as persistence,
  pg_get_userbyid(c.relowner) as owner,
  (
    select format('%I.%I', pn.nspname, pc.relname)
    from pg_inherits i
    join pg_class pc on pc.oid = i.inhparent
    join pg_namespace pn on pn.oid = pc.relnamespace
    where i.inhrelid = c.oid and c.relispartition
  ) as partition_of,
  c.relkind = 'r' and exists (select from pg_inherits i where i.inhparent = c.oid) as has_heirs,
  array(
    select a.attname::text
    from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid
      and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    where i.indrelid = c.oid and i.indisprimary
    order by a.attnum
  ) as key_columns,
  -- Postgres 18: computed at each read, and null in the rows that triggers see.
  array(
    select a.attname::text from pg_attribute a
    where a.attrelid = c.oid and a.attgenerated = 'v' and not a.attisdropped
    order by a.attnum
  ) as virtual_columns,
  -- Of user-defined types json asks for a cast, and runs it with the capture function's rights.
  coalesce((
    with recursive used (oid) as (
      select a.atttypid from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      union
      select part.oid
      from used
      join pg_type t on t.oid = used.oid
      cross join lateral (
        select unnest(array[t.typbasetype, t.typelem])
        union all
        select a.atttypid from pg_attribute a
        where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
      ) part (oid)
      where part.oid <> 0
    ), trusted as (
      select r.oid from pg_roles r where r.rolsuper or r.oid = owner.oid
    )
    select jsonb_agg(jsonb_build_object(
      'name', format_type(t.oid, null),
      'owner', pg_get_userbyid(t.typowner),
      'cast_function', f.oid::regprocedure
    ) order by format_type(t.oid, null))
    from used
    join pg_type t on t.oid = used.oid
    left join pg_cast k on k.castsource = t.oid and k.casttarget = 'json'::regtype
    left join pg_proc f on f.oid = k.castfunc and f.proowner not in (select oid from trusted)
    -- An array belongs to whom its elements do.
    where t.typcategory <> 'A' and (t.typowner not in (select oid from trusted) or f.oid is not null)
  ), '[]') as foreign_types,
  coalesce((
    select jsonb_agg(jsonb_build_object(
      'oid', leaf.oid::text, 'schema', ln.nspname, 'name', leaf.relname,
      'kind', leaf.relkind, 'owner', pg_get_userbyid(leaf.relowner)
    ) order by ln.nspname, leaf.relname)
    from pg_partition_tree(c.oid::regclass) t
    join pg_class leaf on leaf.oid = t.relid
    join pg_namespace ln on ln.oid = leaf.relnamespace
    where c.relkind = 'p' and t.level > 0
  ), '[]') as partitions
from unnest($1::text[], $2::text[]) wanted (schema, name)
left join pg_namespace n on n.nspname = wanted.schema
left join pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
left join pg_roles owner on owner.rolname = $3
