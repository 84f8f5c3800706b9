create schema if not exists pgwitness;

create table if not exists pgwitness.migration (
  number     int primary key,
  name       text not null,
  sha256     text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  applied_at timestamptz not null default now(),
  applied_by text not null default session_user
);

-- No secret in it: a plan has to work for whoever may only read.
grant usage on schema pgwitness to public;

grant select on pgwitness.migration to public;
