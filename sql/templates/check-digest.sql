-- What history holds now of the statement that a witness line tells of, with the digest worked out anew. $1 and
-- $2 are the span of ids, $3 the transaction, $4 the command; $5 to $7 ids, digests of rows as they are now and
-- as they were captured, where somebody has changed images since and said so.
with kept as (
  select
    -- The operation is the line's: of a row that moved between partitions a statement may have kept one half.
    record_send(row(
      $4::text, h.changed_at, h.xid, h.session_role, h.active_role, h.actor, h.request_id,
      h.application_name, h.client_addr, h.partition_name
    )) as facts,
    h.operation = $4::text
      or ($4::text = 'UPDATE' and h.operation in ('INSERT', 'DELETE')
        and json_typeof(h.drifted -> 'before') = 'null') as of_command,
    d.digest, t.captured
  from :"schema".:"history" h
  cross join pgwitness.witness_key k
  cross join lateral (
    select left(encode(:{row_digest}, 'hex'), 32) as digest
  ) d
  left join unnest($5::bigint[], $6::text[], $7::text[]) t (id, now, captured)
    on t.id = h.id and t.now = d.digest
  where h.id between $1::bigint and $2::bigint and h.xid = $3::xid8
),
summed as (
  select
    count(*) as row_count,
    count(captured) as changed_count,
    count(distinct facts) = 1 and bool_and(of_command) as of_one_statement,
    bit_xor(('x' || coalesce(captured, digest))::bit(128)) as images
  from kept
)
select
  s.row_count::text as row_count,
  s.changed_count::text as changed_count,
  coalesce(s.of_one_statement, false) as of_one_statement,
  left(encode(sha256(k.outer_pad || sha256(
    k.inner_pad || 'd' || (select facts from kept limit 1)
    || case when $4::text = 'TRUNCATE' then '' else bit_send(s.images) end
  )), 'hex'), 32) as digest
from summed s
cross join pgwitness.witness_key k;
