-- $1: schemas that are looked at. The others of this database that hold tables, and how many.
select n.nspname as schema, count(*)::int as tables
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'f') and not c.relispartition
  and n.nspname <> all ($1::text[])
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgwitness')
  and not exists (
    select from pg_depend d
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
  )
group by n.nspname
order by n.nspname
