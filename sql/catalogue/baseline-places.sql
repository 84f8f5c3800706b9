-- $1, $2: schemas and names of tables, pairwise. What a baseline of each would read: itself, or its partitions.
select
  wanted.schema, wanted.name,
  place.oid::text as oid,
  format('%I.%I', pn.nspname, place.relname) as identifier,
  pg_relation_filenode(place.oid)::text as filenode,
  (pg_relation_size(place.oid) / current_setting('block_size')::int)::float8 as pages,
  -- An estimate; -1 where it was never analyzed.
  place.reltuples::float8 as rows,
  pg_table_size(place.oid)::float8 as bytes,
  (select d.oid from pg_database d where d.datname = current_database()) as database
from unnest($1::text[], $2::text[]) wanted (schema, name)
join pg_namespace n on n.nspname = wanted.schema
join pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
join pg_class place on place.relkind = 'r'
  and (place.oid = c.oid or place.oid in (select t.relid from pg_partition_tree(c.oid) t))
join pg_namespace pn on pn.oid = place.relnamespace
order by pn.nspname, place.relname
