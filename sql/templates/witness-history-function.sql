-- Whoever changes history leaves a line. An image that was changed is told by the digests that it had and
-- has, so that the digest of the statement that captured it can still be checked.
create or replace function :"schema".:"function"() returns trigger
language plpgsql
security definer
:{pinned_settings}
as $capture$
#variable_conflict use_variable
declare
  transaction xid8 := pg_current_xact_id();
  inner_pad   bytea;
  outer_pad   bytea;
  row_count   bigint;
  facts       text;
  line        text;
  told        text;
begin
  select k.inner_pad, k.outer_pad into strict inner_pad, outer_pad from pgwitness.witness_key k;
  if tg_op = 'UPDATE' then
    for facts, row_count in
      select
        string_agg(
          n.id || ':' || left(encode(o.digest, 'hex'), 32) || ':' || left(encode(n.digest, 'hex'), 32), ';'
          order by n.number
        ),
        count(*)
      from (
        select row_number() over () as number, r.id, :{new_digest} as digest from captured_rows r
      ) n
      -- A full join, for which there is no nested loop: a plan made for one row would take hours for many.
      full join (
        select row_number() over () as number, o.id, :{old_digest} as digest from replaced_rows o
      ) o on o.number = n.number
      -- A line stays below 1.5 KB.
      group by (n.number - 1) / 16
    loop
      line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,UPDATE,TABLE,' || :'object'
        || ',<none>,<none>,xid=' || transaction || ' rows=' || row_count || ' images=' || facts;
:{speak}
    end loop;
    return null;
  end if;
  if tg_op = 'DELETE' then
    select count(*), ' ids=' || min(r.id) || '-' || max(r.id) into row_count, facts from captured_rows r;
    if row_count = 0 then
      return null;
    end if;
    facts := ' rows=' || row_count || facts;
  end if;
  line := 'AUDIT: WITNESS,' || transaction || ',1,MISC,' || tg_op || ',TABLE,' || :'object'
    || ',<none>,<none>,xid=' || transaction || coalesce(facts, '');
:{speak}
  return null;
end
$capture$;
