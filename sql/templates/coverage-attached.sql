-- $1: oid of a partition. $2: how many of its pages are read. Rows that are older than its entry in pg_inherits
-- were there before it was a partition; of those of the same transaction that can't be told.
select
  exists (
    select from only :"schema".:"table" r where r.ctid < format('(%s,0)', $2::int)::tid and age(r.xmin) > i.age
  ) as older,
  exists (
    select from only :"schema".:"table" r where r.ctid < format('(%s,0)', $2::int)::tid and age(r.xmin) = i.age
  ) as same,
  pg_relation_size($1::oid) / current_setting('block_size')::int > $2::int as more
from (select age(xmin) as age from pg_inherits where inhrelid = $1::oid) i
