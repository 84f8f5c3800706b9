-- The row's columns as values of Postgres's own types, so that no type of the user's hangs on it.
do $capture$
begin
  create type :"schema".:"type" as (:{attributes});
  revoke all on type :"schema".:"type" from public;
exception when duplicate_object then
  -- From an install that was taken away and left its history.
  null;
end
$capture$;
