import fc from 'fast-check';
import type { Entropy } from './picks.ts';
import { type SchemaPlan, schemaPlan } from './schema-plan.ts';

/** One step of a workload: what to do, and the numbers that its SQL is made with. */
export interface Step extends Entropy {
  /** 0 is the owner's session, which alone changes schemas; the others are the application's. */
  readonly session: number;
  readonly kind: StepKind;
}

const writes = [
  ...(['insert', 'update', 'delete', 'upsert', 'merge', 'insert select', 'copy', 'bound'] as const),
  ...(['cte', 'do', 'function', 'procedure', 'nested', 'prepare', 'execute', 'truncate'] as const),
];
const controls = [
  ...(['begin', 'commit', 'rollback', 'savepoint', 'rollback to', 'release', 'setting'] as const),
];
const drifts = ['drift', 'partition drift', 'install', 'baseline'] as const;

export type StepKind =
  | (typeof writes)[number]
  | (typeof controls)[number]
  | (typeof drifts)[number];

/** A schema, what is in it before capture is installed, and what happens then. */
export interface Case {
  readonly schema: SchemaPlan;
  readonly before: readonly Step[];
  readonly steps: readonly Step[];
  readonly settings: readonly Entropy[];
  /** Where schemas don't change, sessions may look at an old snapshot. */
  readonly isolation: 'read committed' | 'repeatable read' | 'serializable';
  /** Whether, and when, images of the rows from before capture are taken. */
  readonly baseline: 'none' | 'first' | 'beside';
}

function stepOf(kind: fc.Arbitrary<StepKind>, sessions: number): fc.Arbitrary<Step> {
  return fc.record({
    session: fc.nat(sessions - 1),
    kind,
    picks: fc.array(fc.nat(9_999), { maxLength: 12 }),
    salt: fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 9, arbitrary: fc.nat() }),
  });
}

const write = fc.constantFrom<StepKind[]>(
  ...(['insert', 'insert', 'insert', 'update', 'update', 'update', 'delete', 'upsert'] as const),
  ...writes,
);
const control = fc.constantFrom<StepKind[]>('begin', 'commit', 'savepoint', ...controls);
const drift = fc.constantFrom<StepKind[]>(
  ...([
    'drift',
    'drift',
    'drift',
    'partition drift',
    'partition drift',
    'partition drift',
  ] as const),
  ...(['install', 'baseline'] as const),
);
const settings = fc.array(
  fc.record({ picks: fc.array(fc.nat(9_999), { maxLength: 8 }), salt: fc.nat() }),
  { maxLength: 3 },
);

const common = {
  schema: schemaPlan,
  before: fc.array(stepOf(fc.constantFrom<StepKind[]>('insert', 'insert select'), 1), {
    maxLength: 3,
  }),
  settings,
  baseline: fc.constantFrom<Case['baseline'][]>('none', 'first', 'beside'),
};

/** Workloads of up to `longest` steps: half of them on schemas that stay as they are. */
export function cases(longest: number): fc.Arbitrary<Case> {
  const steps = (kinds: fc.WeightedArbitrary<StepKind>[]) =>
    fc.array(stepOf(fc.oneof(...kinds), 3), { minLength: 1, maxLength: longest, size: 'max' });
  const steady = fc.record<Case>({
    ...common,
    steps: steps([
      { weight: 7, arbitrary: write },
      { weight: 3, arbitrary: control },
    ]),
    isolation: fc.constantFrom<Case['isolation'][]>(
      ...(['read committed', 'read committed', 'repeatable read', 'serializable'] as const),
    ),
  });
  const drifting = fc.record<Case>({
    ...common,
    steps: steps([
      { weight: 6, arbitrary: write },
      { weight: 3, arbitrary: control },
      { weight: 3, arbitrary: drift },
    ]),
    isolation: fc.constant<Case['isolation']>('read committed'),
  });
  return fc.oneof(steady, drifting);
}
