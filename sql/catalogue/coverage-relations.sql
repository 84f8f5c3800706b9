-- $1: schemas. All in them that holds rows, partitions included.
select
  n.nspname as schema, c.relname as name, c.oid::text as oid,
  c.relkind as kind, c.relpersistence as persistence,
  (
    select jsonb_build_object('oid', root.oid::text, 'schema', rn.nspname, 'name', root.relname)
    from pg_class root
    join pg_namespace rn on rn.oid = root.relnamespace
    where c.relispartition and root.oid = pg_partition_root(c.oid)
  ) as root,
  (
    select e.extname
    from pg_depend d
    join pg_extension e on e.oid = d.refobjid
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      and d.refclassid = 'pg_extension'::regclass
  ) as extension,
  array(
    select a.attname::text from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    order by a.attnum
  ) as columns,
  -- The functions that its own triggers call, as capture names them.
  coalesce((
    select jsonb_agg(distinct jsonb_build_object(
      'schema', fn.nspname, 'name', f.proname, 'enabled', t.tgenabled <> 'D'
    ))
    from pg_trigger t
    join pg_proc f on f.oid = t.tgfoid
    join pg_namespace fn on fn.oid = f.pronamespace
    where t.tgrelid = c.oid and not t.tgisinternal and t.tgparentid = 0
      and f.proname like 'fn\_capture\_%\_history'
  ), '[]') as captured_by
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any ($1::text[]) and c.relkind in ('r', 'p', 'f')
order by n.nspname, c.relname
