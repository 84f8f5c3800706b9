-- $1, $2: schemas and names of relations that are to be made, pairwise; those that exist.
select
  n.nspname as schema, c.relname as name,
  c.oid::text as oid,
  c.relkind as kind,
  c.relpersistence as persistence,
  pg_get_userbyid(c.relowner) as owner,
  c.relrowsecurity or c.relforcerowsecurity as row_security,
  c.relispartition or exists (
    select from pg_inherits i where c.oid in (i.inhrelid, i.inhparent)
  ) as inherits,
  exists (select from pg_rewrite w where w.ev_class = c.oid and c.relkind in ('r', 'p')) as has_rules,
  (select i.indrelid::text from pg_index i where i.indexrelid = c.oid) as index_of,
  coalesce((
    select jsonb_agg(definition order by definition)
    from (
      select pg_get_constraintdef(k.oid)
      from pg_constraint k
      where k.conrelid = c.oid and k.contype in ('c', 'f', 'u', 'x')
      union
      select pg_get_indexdef(i.indexrelid)
      from pg_index i
      where i.indrelid = c.oid and i.indisunique and not i.indisprimary
    ) limits (definition)
  ), '[]') as limits,
  array(
    select distinct a.attname::text
    from pg_rewrite w
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
      and d.refclassid = 'pg_class'::regclass and d.refobjid <> c.oid
    join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid and a.attnum > 0
    where w.ev_class = c.oid and c.relkind = 'v'
  ) as view_reads,
  coalesce((
    select jsonb_agg(jsonb_build_object(
      'name', a.attname,
      'type', format_type(a.atttypid, a.atttypmod),
      'attributes', (
        select jsonb_agg(
          jsonb_build_array(part.attname, format_type(part.atttypid, part.atttypmod))
          order by part.attnum
        )
        from pg_type t
        join pg_attribute part on part.attrelid = t.typrelid
        where t.oid = a.atttypid and t.typtype = 'c' and part.attnum > 0 and not part.attisdropped
      ),
      'required', a.attnotnull and not a.atthasdef and a.attidentity = ''
    ) order by a.attnum)
    from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ), '[]') as columns,
  coalesce((
    select jsonb_agg(jsonb_build_object(
      'grantee', case when acl.grantee = 0 then 'public' else pg_get_userbyid(acl.grantee) end,
      'public', acl.grantee = 0,
      'privilege', lower(acl.privilege_type),
      'column', held.column_name,
      'grantable', acl.is_grantable
    ))
    from (
      select null::name as column_name, c.relacl as acl
      union all
      select a.attname, a.attacl from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ) held, aclexplode(held.acl) acl
    where acl.grantee <> c.relowner
  ), '[]') as grants,
  exists (
    select
    from pg_depend d
    join pg_class seq on seq.oid = d.objid and seq.relkind = 'S', aclexplode(seq.relacl) acl
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
      and d.refobjid = c.oid and d.deptype in ('a', 'i') and acl.grantee <> seq.relowner
  ) as sequence_granted
from unnest($1::text[], $2::text[]) wanted (schema, name)
join pg_namespace n on n.nspname = wanted.schema
join pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
