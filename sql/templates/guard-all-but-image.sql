-- As guard-append-only, for history that a role may pseudonymize: images may be changed, and nothing else.
create or replace trigger pgwitness_append_only
  before delete or truncate or update of
    id, operation, changed_at, xid, session_role, active_role, actor, request_id, application_name,
    client_addr, partition_name, position, first_xmin
  on :"schema".:"table"
  for each statement execute function pgwitness.refuse_change();
