-- $1: oids of tables. Rules that are in force on them.
select
  w.ev_class::text as table_oid, w.rulename as name, w.is_instead as instead,
  case w.ev_type when '2' then 'UPDATE' when '3' then 'INSERT' when '4' then 'DELETE' else 'SELECT' end as event
from pg_rewrite w
where w.ev_class = any ($1::oid[]) and w.ev_enabled <> 'D'
order by w.ev_class, w.rulename
