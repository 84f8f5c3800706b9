-- $1: oids of tables. Transactions that have written to them and are not over, prepared ones included.
select
  l.virtualtransaction as transaction,
  min(l.pid) as pid,
  min(a.usename) as "user",
  min(a.application_name) as application,
  min(a.state) as state,
  min(extract(epoch from clock_timestamp() - a.xact_start))::float8 as seconds
from pg_locks l
left join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'relation'
  and l.database = (select d.oid from pg_database d where d.datname = current_database())
  and l.relation = any ($1::oid[])
  and l.granted
  and l.mode in ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  and l.pid is distinct from pg_backend_pid()
group by l.virtualtransaction
order by min(a.xact_start)
