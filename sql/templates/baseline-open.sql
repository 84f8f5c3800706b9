-- One batch. What it reads can't be altered or moved while it is open; writers are not in its way, nor it in
-- theirs. Values are read as the capture function reads them, and rows of which row security would hide some
-- are an error.
begin isolation level read committed;
set local role :"owner";
set local search_path = pg_catalog, pg_temp;
set local lock_timeout = :'lock_timeout';
set local statement_timeout = :'statement_timeout';
set local row_security = off;
set local quote_all_identifiers = off;
set local extra_float_digits = 1;
set local timezone = 'UTC';
set local datestyle = 'ISO, YMD';
set local intervalstyle = 'postgres';
set local bytea_output = 'hex';
-- Nothing is known of how many rows were written since: each would be looked for in all of history since then.
set local enable_nestloop = off;
set local jit = off;
lock table only :{place} in access share mode;
