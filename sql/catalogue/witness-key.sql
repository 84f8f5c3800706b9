-- Whether the login may look at the key; no row where there is no table for it.
select has_table_privilege(c.oid, 'select') as readable
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'pgwitness' and c.relname = 'witness_key' and c.relkind = 'r'
