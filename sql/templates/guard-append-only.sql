create or replace trigger pgwitness_append_only
  before update or delete or truncate on :"schema".:"table"
  for each statement execute function pgwitness.refuse_change();
