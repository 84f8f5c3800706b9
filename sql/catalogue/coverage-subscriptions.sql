-- $1: oids of tables. Subscriptions that write into them.
select sr.srrelid::text as table_oid, s.subname as name, s.subenabled as enabled
from pg_subscription_rel sr
join pg_subscription s on s.oid = sr.srsubid
where sr.srrelid = any ($1::oid[])
order by s.subname, sr.srrelid
