-- Binds everyone but the owner, who can take it off: that leaves a line in the log where the owner's DDL
-- is logged, and `pgwitness plan --check` finds it.
create or replace trigger pgwitness_append_only
  before update or delete or truncate on :"schema".:"table"
  for each statement execute function pgwitness.refuse_change();
