-- $1, $2: pages from and to. $3: id of the first row. $4: last_id of the baseline. $5: the transaction that
-- began it. A row that was written since has an image already, by the same (sub)transaction and just alike:
-- that one is not kept a second time. Where it is not found, as the write was captured as drifted, a second
-- image does no harm: it sorts below the change that made it, which has both images of its own.
with found as materialized (
  select
    row_number() over () as number,
    :{image} as image,
    r.xmin as version,
    -- Modulo 2^32, as xids go round. A frozen row may be taken for a new one, which costs a look.
    ((r.xmin::text::bigint - $5::bigint) & 4294967295) < 2147483648 as since
  from (
    select :{columns}
    from only :{place} t
    where t.ctid >= $1::tid and t.ctid < $2::tid
  ) r
), known as materialized (
  select f.number
  from found f
  join :"schema".:"history" h
    -- Images are compared where all else is the same: one statement may have written half the table.
    on coalesce(h.first_xmin, h.xmin) = f.version and :{same_key} and h.:"image" *= f.image
  where f.since and h.id > $4::bigint
    -- What was captured since is not read where it can't matter.
    and (select count(*) from found where since) > 0
), kept as (
  insert into :"schema".:"history" (
    id, operation, changed_at, xid, session_role, active_role, application_name, client_addr,
    partition_name, :"image"
  )
  overriding system value
  select
    $3::bigint + row_number() over () - 1, 'BASELINE', clock_timestamp(), pg_current_xact_id(),
    session_user, current_user, 'pgwitness baseline', inet_client_addr(),
    :'partition'::text, f.image
  from found f
  where not exists (select from known k where k.number = f.number)
  returning 1
)
select
  (select count(*) from kept)::float8 as kept,
  (select count(*) from found)::float8 as found,
  (select count(*) from found where since)::float8 as since
