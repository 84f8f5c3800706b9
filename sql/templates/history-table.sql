-- One row a change. image: the row after the change, before it for a DELETE; as json, since a row may hold
-- json that jsonb does not take.
create table if not exists :"schema".:"history" (
  id               bigint generated always as identity primary key,
  operation        text not null check (operation in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')),
  changed_at       timestamptz not null,
  xid              xid8 not null,
  session_role     text not null,
  active_role      text not null,
  actor            text,
  request_id       text,
  application_name text,
  client_addr      inet,
  partition_name   text,
  row_key          jsonb,
  image            json,
  check ((operation = 'TRUNCATE') = (image is null))
);
