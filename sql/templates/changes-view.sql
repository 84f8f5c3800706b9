-- What a row was before, what it is after, and what differs. The row before an UPDATE is the newest one
-- under its key, which may be a baseline.
create or replace view :"schema".:"view" as
select
  c.id, c.operation, c.changed_at, c.xid, c.session_role, c.active_role, c.actor, c.request_id,
  c.application_name, c.client_addr, c.partition_name, c.row_key, c.before, c.after,
  case when c.operation = 'UPDATE' then pgwitness.changed_columns(c.before, c.after) end as changed,
  c.place as position
from (
  select
    h.*, k.row_key, coalesce(h.position, h.id) as place,
    case h.operation
      when 'UPDATE' then coalesce(
        i.before,
        case when k.row_key is not null then
          lag(i.image) over (
            partition by k.key_values order by coalesce(h.position, h.id), h.id
          )
        end
      )
      when 'DELETE' then i.image
    end as before,
    case when h.operation in ('INSERT', 'UPDATE') then i.image end as after
  from :"schema".:"history" h
  cross join lateral (
    select :{images}
  ) s
  cross join lateral (
    select
      coalesce(:{image}) as image,
      coalesce(:{before}) as before
  ) i
  cross join lateral (
    select :{key_names} as key_names
  ) n
  cross join lateral (
    select
      pgwitness.row_key(i.image, n.key_names) as row_key,
      pgwitness.key_values(i.image, n.key_names) as key_values
  ) k
) c
where c.operation <> 'BASELINE';
