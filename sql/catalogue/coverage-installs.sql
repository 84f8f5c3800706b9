-- When each table was last installed anew; only where the schema pgwitness can be read.
select table_schema as schema, table_name as name, kind, installed_at
from pgwitness.captured_table
