-- For partitions that are made or attached later: each gets a copy, until it has triggers of its own.
create or replace trigger :"trigger"
  after insert or update or delete on :"schema".:"table"
  for each row execute function :"function_schema".:"function"('partition');
