import type { ClientBase } from 'pg';

/** A table as one session sees it at one moment, its own uncommitted changes included. */
export interface SeenTable {
  readonly name: string;
  readonly partitioned: boolean;
  /** Name of the top of its hierarchy; its own where it is in none. */
  readonly root: string;
  readonly parent: string | null;
  readonly columns: readonly SeenColumn[];
  /** Columns of the primary key, in its order. */
  readonly key: readonly string[];
  readonly keyDeferrable: boolean;
  /** Bits of pg_trigger.tgtype of the capture triggers that fire on it. */
  readonly captured: readonly number[];
  /** The application's own triggers may write amid a statement on it. */
  readonly nested: boolean;
}

export interface SeenColumn {
  readonly name: string;
  /** As `ValueKind.type`, but a type of the schema's own is `@.` and its name without quotes. */
  readonly type: string;
  readonly notNull: boolean;
  readonly generated: boolean;
  readonly identity: '' | 'a' | 'd';
  readonly hasDefault: boolean;
  /** Part of a key, a reference or a partition key: its values come from a small range, so that they meet. */
  readonly small: boolean;
}

export interface SeenSchema {
  readonly tables: readonly SeenTable[];
  /** What each domain is over, as format_type says it; null where that is not Postgres's own. */
  readonly domains: Readonly<Record<string, string | null>>;
  readonly sessionUser: string;
  readonly role: string;
  readonly applicationName: string;
  readonly clientEncoding: string;
}

/**
 * Only tables with REPLICA IDENTITY FULL are the test's own, history aside. As base64, for a session's client_encoding
 * may not be able to say their names; nothing in it depends on what the session has set.
 */
const query = `
select pg_catalog.encode(pg_catalog.convert_to(pg_catalog.json_build_object(
  'sessionUser', session_user,
  'role', pg_catalog.current_setting('role'),
  'applicationName', pg_catalog.current_setting('application_name'),
  'clientEncoding', pg_catalog.current_setting('client_encoding'),
  'domains', (
    select coalesce(pg_catalog.json_object_agg(d.typname, case when b.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
      then pg_catalog.format_type(b.oid, null) end), '{}')
    from pg_catalog.pg_type d join pg_catalog.pg_type b on b.oid = d.typbasetype
    where d.typtype = 'd' and d.typnamespace = $1
  ),
  'tables', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', c.relname,
      'partitioned', c.relkind = 'p',
      'root', coalesce((select r.relname from pg_catalog.pg_class r where r.oid = pg_catalog.pg_partition_root(c.oid)), c.relname),
      'parent', (select p.relname from pg_catalog.pg_inherits i join pg_catalog.pg_class p on p.oid = i.inhparent
        where i.inhrelid = c.oid and c.relispartition and not i.inhdetachpending),
      'key', coalesce((select pg_catalog.json_agg(a.attname order by pg_catalog.array_position(k.conkey, a.attnum))
        from pg_catalog.pg_constraint k join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
        where k.conrelid = c.oid and k.contype = 'p'), '[]'),
      'keyDeferrable', exists (select from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype = 'p' and k.condeferrable),
      'captured', coalesce((select pg_catalog.json_agg(t.tgtype) from pg_catalog.pg_trigger t join pg_catalog.pg_proc f on f.oid = t.tgfoid
        where t.tgrelid = c.oid and f.proname like 'fn_capture_%' and t.tgenabled in ('O', 'A')), '[]'),
      'nested', exists (select from pg_catalog.pg_trigger t where t.tgrelid = c.oid and t.tgname = 'a_touch' and t.tgtype & 2 = 0),
      'columns', coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', a.attname,
        'type', case when y.typnamespace = 'pg_catalog'::pg_catalog.regnamespace then pg_catalog.format_type(y.oid, a.atttypmod)
          when e.oid is not null then '@.' || e.typname || '[]' else '@.' || y.typname end,
        'notNull', a.attnotnull or (y.typtype = 'd' and y.typnotnull),
        'generated', a.attgenerated <> '',
        'identity', a.attidentity,
        'hasDefault', a.atthasdef and a.attgenerated = '',
        'small', exists (select from pg_catalog.pg_constraint k where k.contype in ('p', 'f')
            and (k.conrelid = c.oid and a.attnum = any (k.conkey)))
          or a.attname in ('r', 'l', 'h0')
      ) order by a.attnum) from pg_catalog.pg_attribute a join pg_catalog.pg_type y on y.oid = a.atttypid
        left join pg_catalog.pg_type e on e.oid = y.typelem and y.typcategory = 'A'
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]')
    ) order by c.relname collate "C"), '[]')
    from pg_catalog.pg_class c
    where c.relnamespace = $1 and c.relkind in ('r', 'p') and c.relreplident = 'f'
      and c.relname not like '%\\_history'
  ))::text, 'UTF8'), 'base64') as seen`;

/** Reads what a session sees of the schema with this oid. */
export async function readSeenSchema(client: ClientBase, namespace: string): Promise<SeenSchema> {
  const { rows } = await client.query<{ seen: string }>({
    name: 'oracle_seen',
    text: query,
    values: [namespace],
  });
  return JSON.parse(Buffer.from(rows[0]?.seen ?? '', 'base64').toString('utf8')) as SeenSchema;
}

/** The table's number, which its name tells whatever it was renamed to. */
export function tableNumber(name: string): number {
  const found = /t(\d)/.exec(name)?.[1];
  if (found === undefined) throw new Error(`${name} is no table of the test`);
  return Number(found);
}
