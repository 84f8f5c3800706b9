-- Schemas that are not Postgres's own, with the number of tables in each.
select n.nspname as name, count(c.oid)::int as tables
from pg_namespace n
left join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p') and not c.relispartition
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgwitness')
group by n.nspname
order by n.nspname
