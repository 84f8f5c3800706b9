-- $1: oids of tables and partitions. How they are kept, and what the statistics tell of their rows.
select
  c.oid::text as oid, c.relkind as kind, c.relpersistence as persistence,
  -- From which it had copies of triggers, had it any: the nearest above it.
  (select i.inhparent::text from pg_inherits i where i.inhrelid = c.oid and c.relispartition) as parent,
  c.relpages as pages,
  -- Bytes of the values too large for their row; as VACUUM and ANALYZE saw them last.
  coalesce((select t.relpages::float8 * current_setting('block_size')::int from pg_class t
    where t.oid = c.reltoastrelid), 0) as toast_bytes,
  greatest(c.reltuples, 0)::float8 as rows,
  coalesce((
    select sum(s.avg_width)::float8 from pg_stats s
    where s.schemaname = n.nspname and s.tablename = c.relname
  ), 0) as average_bytes
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.oid = any ($1::oid[])
