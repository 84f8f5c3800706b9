-- $1, $2: schema and name of a table. $3: first_id of a baseline of it. $4: oid of what is read, the table or
-- a partition. $5: the table's columns as pgwitness.places_of describes them. Two that take one baseline at the
-- same time take turns here, batch by batch.
select
  coalesce((b.pages_done ->> $4)::float8, 0) as pages_done,
  b.row_count::text as row_count,
  b.completed_at is not null as completed,
  exists (
    select from pgwitness.baseline newer
    where newer.table_schema = $1 and newer.table_name = $2 and newer.first_id > b.first_id
      and newer.places ? $4
  ) as superseded,
  pg_relation_filenode($4::oid)::text is distinct from b.places -> $4 ->> 'filenode' as moved,
  (pg_relation_size($4::oid) / current_setting('block_size')::int)::float8 as pages,
  row_security_active($4::oid) as rows_hidden,
  (
    select string_agg(format('%L %s', c.name, c.type), ', ')
    from pgwitness.columns_of(to_regclass(format('%I.%I', $1, $2))) c
  ) = $5 as as_installed
from pgwitness.baseline b
where b.table_schema = $1 and b.table_name = $2 and b.first_id = $3
for update
