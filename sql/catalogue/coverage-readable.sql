-- $1: oid of a table. Whether this login sees all rows of it.
select has_table_privilege($1::oid, 'select') and not row_security_active($1::oid) as readable
