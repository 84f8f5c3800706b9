-- Tables that only grow have no history: what is written to them leaves a line, with a digest of the rows.
create or replace function pgwitness.witness_append_only() returns trigger
language plpgsql
security definer
:{pinned_settings}
set extra_float_digits = 1
set TimeZone = 'UTC'
set DateStyle = 'ISO, YMD'
set IntervalStyle = 'postgres'
set bytea_output = 'hex'
as $capture$
#variable_conflict use_variable
declare
  transaction xid8 := pg_current_xact_id();
  object      text := tg_argv[0];
  inner_pad   bytea;
  outer_pad   bytea;
  row_count   bigint;
  images      bit(128);
  line        text;
  told        text;
begin
  select k.inner_pad, k.outer_pad into inner_pad, outer_pad from pgwitness.witness_key k;
  if inner_pad is null then
    raise exception using
      errcode = 'data_corrupted',
      message = 'pgwitness.witness_key holds no key: what is written could not be witnessed',
      hint = 'The owner runs `pgwitness install`, which makes a new one.';
  end if;
  line := 'AUDIT: WITNESS,' || transaction || ',1,WRITE,' || tg_op || ',TABLE,' || object
    || ',<none>,<none>,xid=' || transaction;
  if tg_op <> 'TRUNCATE' then
    -- captured_rows.* as text: a column may have any name and any type.
    select count(*), bit_xor(('x' || encode(sha256(
        inner_pad || 'r' || convert_to((captured_rows.*)::text, getdatabaseencoding())
      ), 'hex'))::bit(128))
      into row_count, images from captured_rows;
    if row_count = 0 then
      return null;
    end if;
    line := line || ' rows=' || row_count || ' digest=' || left(encode(sha256(outer_pad || sha256(
      inner_pad || 'd' || bit_send(images)
    )), 'hex'), 32);
  end if;
:{speak}
  return null;
end
$capture$;
