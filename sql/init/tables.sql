-- $1: a schema. Its tables, partitions left out: they come with the table they are of.
with recursive used (type, inner_type, depth) as (
  select distinct a.atttypid, a.atttypid, 0
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where n.nspname = $1 and c.relkind in ('r', 'p', 'f')
  union all
  select u.type, case when t.typtype = 'd' then t.typbasetype else t.typelem end, u.depth + 1
  from used u
  join pg_type t on t.oid = u.inner_type
  where t.typtype = 'd' or (t.typcategory = 'A' and t.typelem <> 0)
), bases as (
  -- A domain is what it is over, an array what its elements are.
  select distinct on (u.type) u.type, t.typname, t.typcategory
  from used u
  join pg_type t on t.oid = u.inner_type
  order by u.type, u.depth desc
)
select
  c.relname as name,
  c.relkind as kind,
  pg_get_userbyid(c.relowner) as owner,
  (
    select e.extname
    from pg_depend d
    join pg_extension e on e.oid = d.refobjid
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      and d.refclassid = 'pg_extension'::regclass
  ) as extension,
  exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary) as has_key,
  -- Rows that a change elsewhere deletes or updates: such a table can't be told to take no changes.
  exists (
    select from pg_constraint k
    where k.conrelid = c.oid and k.contype = 'f'
      and (k.confdeltype in ('c', 'n', 'd') or k.confupdtype in ('c', 'n', 'd'))
  ) as changed_by_cascade,
  coalesce(counted.inserted, 0)::float8 as inserted,
  coalesce(counted.changed, 0)::float8 as changed,
  coalesce((
    select jsonb_agg(jsonb_build_object(
      'name', a.attname,
      'type', format_type(a.atttypid, a.atttypmod),
      'base', base.typname,
      'category', base.typcategory,
      'inKey', exists (
        select from pg_index i
        where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey::int2[])
      ),
      'references', exists (
        select from pg_constraint k
        where k.conrelid = c.oid and k.contype = 'f' and a.attnum = any (k.conkey)
      )
    ) order by a.attnum)
    from pg_attribute a
    join bases base on base.type = a.atttypid
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ), '[]') as columns
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
-- The counters of a partitioned table are those of its leaves.
cross join lateral (
  select
    sum(pg_stat_get_tuples_inserted(part.oid)) as inserted,
    sum(pg_stat_get_tuples_updated(part.oid) + pg_stat_get_tuples_deleted(part.oid)) as changed
  from (
    select c.oid where c.relkind = 'r'
    union all
    select relid from pg_partition_tree(c.oid::regclass) where c.relkind = 'p' and isleaf
  ) part (oid)
) counted
where n.nspname = $1 and c.relkind in ('r', 'p', 'f') and not c.relispartition
order by c.relname
