set search_path = pg_catalog, pg_temp
set client_min_messages = error
set client_encoding = :'encoding'
set quote_all_identifiers = off
set debug_print_plan = off
set row_security = on
