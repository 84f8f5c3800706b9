-- The roles of the raxx example, and the database given to its owner. A superuser runs this in the
-- database itself; it can be run again. No role has a password here: none can log in over the network
-- until someone sets one.

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

  execute format('alter database %I owner to raxx_owner', current_database());
end
$roles$;

-- Needed on Postgres 14 and on a database whose schema public came from there: since 15 the
-- database's owner may create in it anyway.
grant create on schema public to raxx_owner;

-- The runbook's smoke test says SET ROLE raptor_app. One way only: the application is never a member
-- of the owner.
grant raptor_app to raxx_owner;
