-- The roles of the raxx example. A superuser runs this; it can be run again. No role has a password
-- here, so none can log in over the network until someone sets one. The database is made with
-- `create database raxx owner raxx_owner`, the tables in it by schema.sql.

do $roles$
declare
  name text;
begin
  foreach name in array array[
    'raxx_owner',              -- owns tables, history and capture functions; runs migrations
    'raptor_app',              -- the application: data only, no say over capture
    'audit_archiver',          -- pseudonymises history for data subject requests
    'raptor_audit_compliance'  -- reads history
  ] loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I login', name);
    end if;
  end loop;
end
$roles$;

-- The runbook's smoke test says SET ROLE raptor_app. One way only: the application is never a member
-- of the owner.
grant raptor_app to raxx_owner;
