create or replace trigger :"trigger"
  after delete on :"schema".:"table"
  referencing old table as captured_rows
  for each statement execute function pgwitness.witness_append_only(:'object');
