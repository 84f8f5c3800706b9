/** Tables in which tools for migrations note what they have run. */
const ledgers: ReadonlyMap<string, string> = new Map([
  ['alembic_version', 'Alembic'],
  ['schema_migrations', 'Rails and others'],
  ['ar_internal_metadata', 'Rails'],
  ['django_migrations', 'Django'],
  ['_prisma_migrations', 'Prisma'],
  ['knex_migrations', 'Knex'],
  ['knex_migrations_lock', 'Knex'],
  ['SequelizeMeta', 'Sequelize'],
  ['schema_info', 'Sequel'],
  ['pgmigrations', 'node-pg-migrate'],
  ['kysely_migration', 'Kysely'],
  ['kysely_migration_lock', 'Kysely'],
  ['__drizzle_migrations', 'Drizzle'],
  ['mikro_orm_migrations', 'MikroORM'],
  ['flyway_schema_history', 'Flyway'],
  ['databasechangelog', 'Liquibase'],
  ['databasechangeloglock', 'Liquibase'],
  ['__EFMigrationsHistory', 'Entity Framework'],
  ['goose_db_version', 'goose'],
  ['gorp_migrations', 'sql-migrate'],
  ['atlas_schema_revisions', 'Atlas'],
  ['_sqlx_migrations', 'sqlx'],
  ['__diesel_schema_migrations', 'Diesel'],
  ['refinery_schema_history', 'Refinery'],
  ['phinxlog', 'Phinx'],
  ['doctrine_migration_versions', 'Doctrine'],
  ['play_evolutions', 'Play'],
]);

/** The tool whose ledger a table of this name and these columns is; undefined where it is none. */
export function migrationTool(name: string, columns: readonly string[]): string | undefined {
  const known = ledgers.get(name);
  if (known !== undefined) return known;
  // Laravel and TypeORM both call theirs `migrations`, which may as well be of birds.
  const has = (...wanted: string[]) =>
    columns.length === wanted.length + 1 && wanted.every((column) => columns.includes(column));
  if (name !== 'migrations') return undefined;
  if (has('migration', 'batch')) return 'Laravel';
  return has('timestamp', 'name') ? 'TypeORM' : undefined;
}
