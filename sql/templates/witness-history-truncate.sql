create or replace trigger :"trigger"
  after truncate on :"schema".:"table"
  for each statement execute function :"schema".:"function"();
