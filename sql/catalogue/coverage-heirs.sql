-- $1: oids of tables. All that inherit from them, at whatever depth; partitions are none of these.
with recursive heirs (root, oid) as (
  select i.inhparent, i.inhrelid
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  where i.inhparent = any ($1::oid[]) and not c.relispartition
  union
  select h.root, i.inhrelid
  from heirs h
  join pg_inherits i on i.inhparent = h.oid
)
select
  h.root::text as root, h.oid::text as oid,
  n.nspname as schema, c.relname as name, c.relkind as kind,
  -- What a statement that names the parent does not see of it.
  array(
    select a.attname::text
    from pg_attribute a
    where a.attrelid = h.oid and a.attnum > 0 and not a.attisdropped
      and not exists (
        select from pg_attribute p
        where p.attrelid = h.root and p.attname = a.attname and p.attnum > 0 and not p.attisdropped
      )
    order by a.attnum
  ) as more_columns
from heirs h
join pg_class c on c.oid = h.oid
join pg_namespace n on n.oid = c.relnamespace
order by n.nspname, c.relname
