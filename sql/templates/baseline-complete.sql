update pgwitness.baseline
set completed_at = clock_timestamp()
where table_schema = :'schema' and table_name = :'table' and first_id = :'first_id'
  and completed_at is null;
