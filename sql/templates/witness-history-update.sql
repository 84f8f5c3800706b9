create or replace trigger :"trigger"
  after update on :"schema".:"table"
  referencing old table as replaced_rows new table as captured_rows
  for each statement execute function :"schema".:"function"();
