/** Rows of each bulk statement. */
export const bulkRows = 200_000;

/** The table under test: ten columns of common types, about 290 bytes a row with its header. */
export const tableSql = `
create table accounts (
  id         bigint primary key,
  email      text,
  name       text,
  balance    numeric(12, 2),
  visits     int,
  created_at timestamptz,
  updated_at timestamptz,
  note       text,
  active     boolean,
  reference  uuid
)`;

/** What is inserted, made once so that making it costs no layer anything. */
export const sourceSql = `
create table source as
select
  i::bigint as id,
  'user' || i || '@example.com' as email,
  'Name ' || md5(i::text) as name,
  ((i % 100000)::numeric / 7)::numeric(12, 2) as balance,
  i as visits,
  now() as created_at,
  now() as updated_at,
  md5(i::text) || md5((i + 1)::text) || md5((i + 2)::text) || left(md5((i + 3)::text), 20) as note,
  i % 2 = 0 as active,
  gen_random_uuid() as reference
from generate_series(1, ${bulkRows}) i`;

export const bulk = {
  insert: 'insert into accounts select * from source',
  update: 'update accounts set visits = visits + 1, updated_at = now()',
  delete: 'delete from accounts',
} as const;

/** One transaction of the single-row workload, for pgbench. */
export const singleRowScript = `\\set id random(1, ${bulkRows})
update accounts set visits = visits + 1, updated_at = now() where id = :id;
`;
