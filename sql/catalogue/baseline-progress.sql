-- $1, $2, $3: as in baseline-state. $4: oid of what was read. $5: pages of it that are done. $6: rows kept.
-- Its file may be another than when the baseline began: then it was read from its first page again.
update pgwitness.baseline
set
  pages_done = jsonb_set(pages_done, array[$4], to_jsonb($5::float8)),
  places = jsonb_set(places, array[$4, 'filenode'], to_jsonb(pg_relation_filenode($4::oid)::text)),
  row_count = row_count + $6::bigint
where table_schema = $1 and table_name = $2 and first_id = $3
