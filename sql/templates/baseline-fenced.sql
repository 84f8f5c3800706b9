update pgwitness.baseline
set holds_since = clock_timestamp()
where table_schema = :'schema' and table_name = :'table' and first_id = :'first_id'
  and holds_since is null;
