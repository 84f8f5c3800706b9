import { type CapturePlan, ownerStatements, refusedObjects } from './plan.ts';
import { prologue } from './plan-sql.ts';

/** A plan for programs. `sql` runs in one transaction as the owner, `settingSql` after it. */
export interface PlanJson {
  readonly database: string;
  readonly owner: string;
  readonly objects: readonly {
    readonly kind: string;
    readonly name: string;
    readonly action: string;
    readonly why?: string;
    readonly fix?: string;
  }[];
  readonly notes: readonly string[];
  readonly sql: readonly string[];
  readonly settingSql: readonly string[];
}

/** The same that planSql shows, as data. */
export function planJson(plan: CapturePlan): PlanJson {
  const refused = refusedObjects(plan).length > 0;
  const statements = refused ? [] : ownerStatements(plan);
  return {
    database: plan.database,
    owner: plan.owner,
    objects: plan.objects.map(({ kind, name, action, why, fix }) => ({
      kind,
      name,
      action,
      ...(why === undefined ? {} : { why }),
      ...(fix === undefined ? {} : { fix }),
    })),
    notes: plan.notes,
    sql: statements.length === 0 ? [] : [...prologue(plan.owner), ...statements],
    settingSql: refused ? [] : plan.objects.flatMap(({ setting }) => setting?.sql ?? []),
  };
}
