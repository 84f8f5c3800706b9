-- One row a change. Its image (the row after the change, before it for a DELETE) stands in the newest
-- image_<n>, or in drifted where the table was not as it was installed; before_<n> holds the row before an
-- UPDATE where the image before it is not to be found under the same key. position is set where a change comes
-- before others that were captured before it. The view <table>_changes reads it.
create table if not exists :"schema".:"history" (
  id               bigint generated always as identity,
  operation        text not null
    check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'BASELINE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  position         bigint,
  first_xmin       xid,
  drifted          json
);
