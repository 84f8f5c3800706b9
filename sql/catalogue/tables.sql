-- $1, $2: schemas and names of tables, pairwise. $3: role that is to own all.
select
  wanted.schema, wanted.name,
  n.oid is not null as schema_exists,
  coalesce(has_schema_privilege(owner.oid, n.oid, 'create'), false) as owner_may_create,
  c.oid::text as oid,
  c.relkind as kind,
  c.relpersistence as persistence,
  c.relrowsecurity and c.relforcerowsecurity as forced_row_security,
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
    with recursive heirs (oid) as (
      select i.inhrelid from pg_inherits i where i.inhparent = c.oid
      union
      select i.inhrelid from heirs join pg_inherits i on i.inhparent = heirs.oid
    )
    select format('%I.%I', hn.nspname, h.relname)
    from heirs
    join pg_class h on h.oid = heirs.oid and h.relkind = 'f'
    join pg_namespace hn on hn.oid = h.relnamespace
    order by 1
  ) as foreign_heirs,
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
  coalesce((
    select jsonb_agg(jsonb_build_object(
      'name', a.attname,
      'number', a.attnum,
      'type', format_type(a.atttypid, null),
      'stored', format_type(based.oid, -1),
      -- Postgres's own, with a binary form, and its text the same in whatever session: the rest is kept as text.
      'native', based.oid::regtype not in (
          'json', 'xml', 'aclitem', 'aclitem[]', 'json[]', 'xml[]'
        )
        and element.typnamespace = 'pg_catalog'::regnamespace
        and element.typtype in ('b', 'r', 'm') and element.typsend <> 0
        and element.typname not like 'reg%' and based.typsend <> 0,
      'collatable', based.typcollation <> 0
    ) order by a.attnum)
    from pg_attribute a
    cross join lateral (
      with recursive bases (oid, base) as (
        select t.oid, t.typbasetype from pg_type t where t.oid = a.atttypid
        union all
        select t.oid, t.typbasetype from bases join pg_type t on t.oid = bases.base
      )
      select t.oid, t.typsend, t.typcollation, t.typcategory, t.typelem
      from bases join pg_type t on t.oid = bases.oid where bases.base = 0
    ) based
    join pg_type element
      on element.oid = case when based.typcategory = 'A' then based.typelem else based.oid end
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ), '[]') as columns,
  (
    select format('%I.%I', kn.nspname, kc.relname)
    from pg_index i
    join pg_class kc on kc.oid = i.indexrelid
    join pg_namespace kn on kn.oid = kc.relnamespace
    where i.indrelid = c.oid and i.indisprimary
  ) as key_index,
  (
    select pg_get_indexdef(i.indexrelid) from pg_index i where i.indrelid = c.oid and i.indisprimary
  ) as key_definition,
  -- As pgwitness.places_of describes it.
  (
    select string_agg(format('%L %s', a.attname, format_type(a.atttypid, null)), ', ' order by a.attnum)
    from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ) as shape,
  coalesce((
    select jsonb_agg(distinct jsonb_build_object(
      'schema', place.nspname, 'name', place.relname,
      'grantee', case when acl.grantee = 0 then 'public' else pg_get_userbyid(acl.grantee) end,
      'public', acl.grantee = 0
    ))
    from (
      select pc.relname, pn.nspname, pc.relacl, pc.relowner
      from pg_class pc
      join pg_namespace pn on pn.oid = pc.relnamespace
      where pc.oid = c.oid or (
        c.relkind = 'p' and pc.oid in (select t.relid from pg_partition_tree(c.oid::regclass) t)
      )
    ) place, aclexplode(place.relacl) acl
    where acl.privilege_type = 'TRIGGER' and acl.grantee <> place.relowner
  ), '[]') as trigger_makers,
  coalesce((
    select jsonb_agg(jsonb_build_object(
      'oid', leaf.oid::text, 'text', leaf.oid::regclass::text, 'schema', ln.nspname, 'name', leaf.relname,
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
