import { type Coverage, readCoverage } from '../../src/capture/coverage.ts';
import type { Gap } from '../../src/capture/coverage-gap.ts';
import type { CaptureTarget } from '../../src/capture/target.ts';
import { type CapturedSchemas, startCapturedSchemas } from './captured-schemas.ts';

/** Schemas of tests, and what coverage says of them. */
export interface CoveredSchemas extends CapturedSchemas {
  /** With tables of the schema as the test configured them. */
  cover(
    schema: string,
    tables?: readonly string[],
    more?: Partial<CaptureTarget>,
  ): Promise<Coverage>;
  /** Gaps and notes of one table: `gap trigger.missing`, sorted; those that every table has left out. */
  about(schema: string, more?: Partial<CaptureTarget>, table?: string): Promise<string[]>;
  /** All there is to read of one gap. */
  told(schema: string, id: string, more?: Partial<CaptureTarget>, table?: string): Promise<string>;
}

/** Notes on each table as the rig installs it: no baseline is taken, and the example's role may insert. */
const usual = new Set([
  'baseline.not-complete',
  'grant.history-insert',
  'partition.removed-silently',
]);

/** What the rig installs in a schema. */
export function targetOf(schema: string, tables: readonly string[] = ['t']): CaptureTarget {
  return {
    owner: 'raxx_owner',
    applicationLogin: 'raptor_app',
    tables: tables.map((name) => ({ schema, name })),
    appendOnly: [],
    roles: [
      { name: 'raptor_app', history: ['select', 'insert'] },
      { name: 'audit_archiver', history: ['select', 'update'] },
    ],
  };
}

/** Starts a server with the example's roles: the embedded one, or that of `binaries`. */
export async function startCoveredSchemas(binaries?: string): Promise<CoveredSchemas> {
  const schemas = await startCapturedSchemas(binaries);
  const cover: CoveredSchemas['cover'] = (schema, tables, more = {}) =>
    readCoverage(schemas.owner, { ...targetOf(schema, tables), ...more });
  const gapsOf = async (schema: string, more?: Partial<CaptureTarget>, table = 't') => {
    const { gaps } = await cover(schema, [table], more);
    return gaps.filter((gap) => gap.table === `${schema}.${table}`);
  };
  return {
    ...schemas,
    cover,
    async about(schema, more, table) {
      const gaps = await gapsOf(schema, more, table);
      return gaps
        .filter(({ id }) => !usual.has(id))
        .map(shown)
        .sort();
    },
    async told(schema, id, more, table) {
      const gaps = await gapsOf(schema, more, table);
      return gaps
        .filter((gap) => gap.id === id)
        .map(({ what, todo }) => `${what} ${todo}`)
        .join('\n');
    },
  };
}

/** `gap trigger.missing` */
export function shown({ level, id }: Gap): string {
  return `${level} ${id}`;
}
