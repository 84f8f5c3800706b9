create or replace trigger :"trigger"
  after insert on :"schema".:"table"
  referencing new table as captured_rows
  for each statement execute function pgwitness.witness_append_only(:'object');
