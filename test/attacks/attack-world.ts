import pg from 'pg';
import {
  type CaptureWorld,
  password,
  startCaptureWorld,
  type TestDatabase,
} from '../rig/capture-world.ts';

/** Who attacks: the application, the role that pseudonymises, and one that was granted nothing. */
export type AttackRole = 'raptor_app' | 'audit_archiver' | 'stranger';

/** The rows that an attack must leave as they were. */
export interface TrailRows {
  /** `<table> <id> <digest of the row and of its xmin>` of every row of every history table. */
  readonly history: readonly string[];
  /** Digest of each table that is captured or append-only. */
  readonly live: readonly string[];
}

/** One change as history tells it. */
export interface Change {
  readonly table: string;
  readonly id: string;
  readonly operation: string;
  readonly session_role: string;
  readonly active_role: string;
  readonly actor: string | null;
  readonly request_id: string | null;
  readonly application_name: string | null;
  readonly partition_name: string | null;
  /** As the view of changes tells it; reading that takes a while, and it is not always asked for. */
  readonly after?: Readonly<Record<string, unknown>> | null;
}

/** A server of its own, and in it one database at a time that is attacked. */
export class AttackWorld {
  private database: TestDatabase | undefined;
  private watcher: pg.Client | undefined;
  private definitionsSql = '';
  private definitions: readonly string[] = [];
  private digest = '';
  private readonly sessions = new Map<string, pg.Client>();
  /** What rows() gave last, where nothing has been written since. */
  latest: TrailRows | undefined;

  readonly world: CaptureWorld;

  private constructor(world: CaptureWorld) {
    this.world = world;
  }

  /** Two-phase commit is on, so that it can be tried; the log is kept for the witness lines. */
  static async start(binaries?: string): Promise<AttackWorld> {
    const world = await startCaptureWorld(binaries, {
      max_prepared_transactions: '5',
      log_min_messages: 'warning',
    });
    return new AttackWorld(world);
  }

  /** A fresh database of examples/raxx with capture; `prepare` is run in it by a superuser. */
  async reset(prepare = ''): Promise<void> {
    await this.endSessions();
    this.latest = undefined;
    this.database = await this.world.installedDatabase();
    this.watcher = await this.database.superuser();
    await this.watcher.query(`
      do $$ begin
        if not exists (select from pg_roles where rolname = 'stranger') then
          create role stranger login password '${password}';
        end if;
      end $$`);
    await this.watcher.query(prepare);
    // What attackers leave in public must not be what the watcher itself finds.
    await this.watcher.query('set search_path to pg_catalog');
    const bookkeeping = await this.look<{ name: string }>(`
      select c.oid::regclass::text as name from pg_class c
      where relnamespace = 'pgwitness'::regnamespace and relkind = 'r' order by 1`);
    this.definitionsSql = [
      catalogueSql,
      ...bookkeeping.map(
        ({ name }) =>
          `select '${name} ' || md5(coalesce(string_agg(t::text, ' ' order by t::text), '')) from ${name} t`,
      ),
    ].join(' union all ');
    this.definitions = await this.readDefinitions();
    this.digest = await this.readDigest();
  }

  /** The session of this name, which earlier attacks had too: its transaction, settings and temporary objects are to be taken away again. */
  async session(name: string, role: AttackRole): Promise<pg.Client> {
    const known = this.sessions.get(name);
    if (known !== undefined) return known;
    const client = await this.connect(role);
    this.sessions.set(name, client);
    return client;
  }

  /** Ends that session, so that the next attack has a new one. */
  async endSession(name: string): Promise<void> {
    const client = this.sessions.get(name);
    this.sessions.delete(name);
    await client?.end();
  }

  /** A new session; what ends it shows at the next query. */
  async connect(role: AttackRole | 'raxx_owner'): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.open.url(role),
      application_name: 'app',
    });
    client.on('error', () => client.removeAllListeners('notice'));
    await client.connect();
    return client;
  }

  /** As a superuser, whom no attack binds. */
  async look<R extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<R[]> {
    if (this.watcher === undefined) throw new Error('reset() comes first');
    return (await this.watcher.query<R>(sql, values)).rows;
  }

  /**
   * What has changed since reset() of definitions, privileges, settings and bookkeeping, as lines that
   * were and lines that are.
   */
  async changedDefinitions(): Promise<{ readonly were: string[]; readonly are: string[] }> {
    // The versions are quick to read, and nearly always the same.
    if ((await this.readDigest()) === this.digest) return { were: [], are: [] };
    const now = await this.readDefinitions();
    return {
      were: this.definitions.filter((line) => !now.includes(line)),
      are: now.filter((line) => !this.definitions.includes(line)),
    };
  }

  async rows(): Promise<TrailRows> {
    const lines = await this.look<{ kind: string; line: string }>(rowsSql);
    const of = (kind: string) => lines.filter((row) => row.kind === kind).map(({ line }) => line);
    return { history: of('history'), live: of('live') };
  }

  /** What history has beyond `before`, whatever table it is in; `images` with the row after each change. */
  async added(before: TrailRows, after: TrailRows, images: boolean): Promise<Change[]> {
    const known = new Set(before.history);
    const changes: Change[] = [];
    for (const line of after.history.filter((candidate) => !known.has(candidate))) {
      const [table = '', id] = line.split(' ');
      changes.push(...(await this.look<Change>(changeSql(table, images), [id])));
    }
    return changes;
  }

  /** Rows of users that differ from the newest image of their key, and images whose row is gone. */
  async unwitnessed(): Promise<unknown[]> {
    return this.look(unwitnessedSql);
  }

  get open(): TestDatabase {
    if (this.database === undefined) throw new Error('reset() comes first');
    return this.database;
  }

  async stop(): Promise<void> {
    await this.endSessions();
    await this.world.stop();
  }

  private async endSessions(): Promise<void> {
    for (const name of [...this.sessions.keys()]) await this.endSession(name);
  }

  private async readDefinitions(): Promise<string[]> {
    const rows = await this.look<{ line: string }>(`${this.definitionsSql} order by 1`);
    return rows.map(({ line }) => line);
  }

  private async readDigest(): Promise<string> {
    const [row] = await this.look<{ digest: string }>(versionsSql);
    return row?.digest ?? '';
  }
}

const tables = ['passkeys', 'positions', 'sessions', 'subscriptions', 'trades', 'users'];

const rowsSql = [
  ...tables.map(
    (table) =>
      `select 'history' as kind, '${table} ' || id || ' ' || md5(xmin || ' ' || h::text) as line, id from public.${table}_history h`,
  ),
  ...[...tables, 'customer_audit_events'].map(
    (table) =>
      `select 'live', '${table} ' || md5(coalesce(string_agg(t::text, ' ' order by t::text), '')), 0 from public.${table} t`,
  ),
]
  .join(' union all ')
  .concat(' order by id');

const changeSql = (table: string, images: boolean) => `
  select '${table}' as table, id::text, operation, session_role, active_role, actor, request_id,
    application_name, partition_name${images ? ', after' : ''}
  from public.${table}_${images ? 'changes' : 'history'} where id = $1`;

const unwitnessedSql = `
  select u.id, to_jsonb(u) as live, c.after as told
  from public.users u
  full join (
    select distinct on (row_key) row_key, case when operation <> 'DELETE' then after end as after from public.users_changes
    where operation <> 'TRUNCATE' order by row_key, id desc
  ) c on c.row_key = jsonb_build_object('id', u.id)
  where c.after is distinct from to_jsonb(u)`;

/** The version (xmin) of each row of the catalogue that catalogueSql shows, their own included. */
const versionsSql = `
  with relation as (
    select oid, xmin from pg_class
    where relnamespace in ('public'::regnamespace, 'pgwitness'::regnamespace)
  ), version (of) as (
    select 'class ' || oid || ' ' || xmin from relation
    union all select 'attribute ' || attrelid || ' ' || attnum || ' ' || xmin from pg_attribute
      where attrelid in (select oid from relation)
    union all select 'trigger ' || oid || ' ' || xmin from pg_trigger
    union all select 'function ' || oid || ' ' || xmin from pg_proc where oid >= 16384
    union all select 'rule ' || oid || ' ' || xmin from pg_rewrite where oid >= 16384
    union all select 'policy ' || oid || ' ' || xmin from pg_policy
    union all select 'constraint ' || oid || ' ' || xmin from pg_constraint where oid >= 16384
    union all select 'inherits ' || inhrelid || ' ' || xmin from pg_inherits
    union all select 'schema ' || oid || ' ' || xmin from pg_namespace where nspname !~ '^pg_'
    union all select 'sequence ' || seqrelid || ' ' || xmin from pg_sequence
    union all select 'event trigger ' || oid || ' ' || xmin from pg_event_trigger
    union all select 'default ' || oid || ' ' || xmin from pg_default_acl
    union all select 'setting ' || setdatabase || ' ' || setrole || ' ' || xmin from pg_db_role_setting
    union all select 'member ' || roleid || ' ' || member || ' ' || xmin from pg_auth_members
    union all select 'role ' || oid || ' ' || xmin from pg_authid
    union all select 'database ' || oid || ' ' || xmin from pg_database where datname = current_database()
    union all select 'extension ' || oid || ' ' || xmin from pg_extension
    union all select 'label ' || objoid || ' ' || xmin from pg_seclabel
    union all select 'comment ' || objoid || ' ' || xmin from pg_description where objoid >= 16384
    union all select 'cast ' || oid || ' ' || xmin from pg_cast where oid >= 16384
  )
  select md5(string_agg(of, ' ' order by of)) as digest from version`;

/** All that attackers must not change; what they own themselves is left out. */
const catalogueSql = `
  with mine as (
    select oid from pg_roles where rolname in ('raptor_app', 'audit_archiver', 'stranger')
  ), relation as (
    select c.* from pg_class c
    where c.relnamespace in ('public'::regnamespace, 'pgwitness'::regnamespace)
      and c.relowner not in (select oid from mine)
  )
  select concat_ws(' ', 'relation', oid, oid::regclass, relkind, relowner::regrole, relfilenode, relacl,
      relrowsecurity, relforcerowsecurity, relhasrules, relpersistence, reloptions, relreplident,
      relispartition, obj_description(oid, 'pg_class')) as line
    from relation
  union all select concat_ws(' ', 'column', attrelid::regclass, attnum, attname, atttypid::regtype,
      attnotnull, attidentity, attgenerated, attacl, attoptions, attstattarget)
    from pg_attribute where attrelid in (select oid from relation) and attnum > 0
  union all select concat_ws(' ', 'trigger', oid, xmin, tgrelid::regclass, tgname, tgenabled, pg_get_triggerdef(oid))
    from pg_trigger where tgrelid in (select oid from relation)
  union all select concat_ws(' ', 'function', oid, oid::regprocedure, proowner::regrole, prosecdef, proacl,
      proconfig, md5(prosrc))
    from pg_proc where oid >= 16384 and proowner not in (select oid from mine)
  union all select concat_ws(' ', 'rule', ev_class::regclass, rulename, pg_get_ruledef(oid))
    from pg_rewrite where ev_class in (select oid from relation)
  union all select concat_ws(' ', 'policy', polrelid::regclass, polname) from pg_policy
  union all select concat_ws(' ', 'constraint', oid, conrelid::regclass, conname, convalidated)
    from pg_constraint where conrelid in (select oid from relation)
  union all select concat_ws(' ', 'inherits', inhrelid::regclass, inhparent::regclass) from pg_inherits
    where inhparent in (select oid from relation)
  union all select concat_ws(' ', 'schema', nspname, nspowner::regrole, nspacl) from pg_namespace
    where nspname !~ '^pg_(toast_)?temp' and nspowner not in (select oid from mine)
  union all select concat_ws(' ', 'sequence', seqrelid::regclass, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle)
    from pg_sequence where seqrelid in (select oid from relation)
  union all select concat_ws(' ', 'event trigger', evtname) from pg_event_trigger
  union all select concat_ws(' ', 'default', defaclrole::regrole, defaclobjtype, defaclacl) from pg_default_acl
    where defaclrole not in (select oid from mine)
  union all select concat_ws(' ', 'setting', setdatabase, setrole::regrole, setconfig) from pg_db_role_setting
  union all select concat_ws(' ', 'member', roleid::regrole, member::regrole, admin_option) from pg_auth_members
  union all select concat_ws(' ', 'role', rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication)
    from pg_roles where rolname !~ '^pg_'
  union all select concat_ws(' ', 'database', datname, datdba::regrole, datacl, datallowconn) from pg_database
    where datname = current_database()
  union all select concat_ws(' ', 'extension', extname, extversion) from pg_extension
  union all select concat_ws(' ', 'label', objoid, provider, label) from pg_seclabel
  union all select concat_ws(' ', 'cast', castsource::regtype, casttarget::regtype) from pg_cast
    where oid >= 16384
`;
