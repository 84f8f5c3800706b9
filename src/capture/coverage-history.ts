import { showIdentifier, showName } from './capture-names.ts';
import type { GrantState, ShapeRecord } from './catalogue.ts';
import { type Gap, gap, listed, note, runInstall } from './coverage-gap.ts';
import type { CapturedLook, TableLook } from './coverage-look.ts';
import { knownShapes } from './image-shape.ts';
import { planHistoryGuards } from './plan-guards.ts';
import { shapesOf } from './plan-history.ts';
import type { PlannedObject } from './planned-object.ts';

/** What is the matter with the history of a captured table: it, its guards, its witness, who may write it. */
export function historyGaps(look: CapturedLook): Gap[] {
  const { shown, names, objects, history } = look;
  const of = showName(names.schema, names.history);
  if (history === undefined) {
    const text = `${of} is missing: every write to ${shown} fails, or goes uncaptured where \`on_failure\` is continue.`;
    return [gap('history.missing', shown, text, runInstall)];
  }
  // Judged by the images that history holds now: one that install would add is told as what it is for.
  const newest = knownShapes(look.catalogue, names).at(-1);
  const watching = newest === undefined ? objects : installedGuards(look, newest);
  const adds = objects.some(({ kind, action }) => kind === 'image' && action === 'create');
  const others = objects.filter(
    ({ kind, action }) => kind === 'index' || (kind === 'view' && (!adds || action === 'create')),
  );
  const wrong = [...watching.filter(isWatching), ...others].filter(
    ({ action }) => action === 'create' || action === 'change',
  );
  return [
    ...wrong.flatMap((object) => objectGaps(look, object)),
    ...privilegeGaps(look, history.grants),
    ...triggerMakerGaps(look),
  ];
}

/** What install would do about the guards and witnesses of history if it had images up to this one. */
export function installedGuards(
  { catalogue, target, names }: Pick<CapturedLook, 'catalogue' | 'target' | 'names'>,
  { number, attributes, key_columns }: ShapeRecord,
): PlannedObject[] {
  const shape = { number, attributes, keyColumns: key_columns, exists: true, recorded: true };
  return planHistoryGuards(catalogue, target, names, shapesOf(catalogue, names, shape));
}

function isWatching({ kind, name }: PlannedObject): boolean {
  return kind === 'guard' || kind === 'function' || name.startsWith('pgwitness_witness_');
}

function objectGaps({ shown, names }: CapturedLook, object: PlannedObject): Gap[] {
  const { kind, name, why, action } = object;
  const how = action === 'create' ? 'is missing' : (why ?? 'is not as it has to be');
  const told = action === 'create' ? `${name} ${how}` : `${name}: ${how}`;
  if (kind === 'guard') {
    const text = `${told}. So history can be changed by whoever holds the privilege to.`;
    return [gap('guard.broken', shown, text, runInstall)];
  }
  if (kind === 'trigger' && name.startsWith('pgwitness_witness_')) {
    const text = `${told}. So who changes history leaves no line in the server log.`;
    return [gap('witness.broken', shown, text, runInstall)];
  }
  if (kind === 'function' && name === `${showName(names.schema, names.witness)}()`) {
    const text = `${told}. What the log tells of changes to history can’t be relied on.`;
    return [gap('witness.broken', shown, text, runInstall)];
  }
  if (kind === 'view') {
    return [
      note(
        'view.not-as-made',
        shown,
        `${told}. What is captured is not touched by that.`,
        runInstall,
      ),
    ];
  }
  if (kind === 'index') {
    return [note('index.missing', shown, `${told}. Reading history is slower.`, runInstall)];
  }
  return [];
}

/** Whoever may make triggers on a table can put others in the place of ours. */
export function triggerMakerGaps({ shown, table }: TableLook): Gap[] {
  return table.trigger_makers.map(({ schema, name, grantee, public: everyone }) => {
    const role = everyone ? 'Everyone' : showIdentifier(grantee);
    const text = `${role} may make triggers on ${showName(schema, name)}, and so replace ours by others, without a line.`;
    return gap('grant.trigger', shown, text, runInstall);
  });
}

/** What each privilege on history lets a role do that is not the owner. */
function privilegeGaps(
  { shown, names, target }: CapturedLook,
  grants: readonly GrantState[],
): Gap[] {
  const of = showName(names.schema, names.history);
  const wanted = (grantee: string) =>
    target.roles.find(({ name }) => name === grantee)?.history ?? [];
  const told = new Map<string, Set<string>>();
  for (const { grantee, public: everyone, privilege, column } of grants) {
    const configured = everyone ? [] : wanted(grantee);
    const role = everyone ? 'everyone' : showIdentifier(grantee);
    // INSERT and UPDATE as the configuration gives them come column by column.
    const asked = (configured as readonly string[]).includes(privilege) && column !== null;
    if (asked || !(privilege in privileges)) continue;
    const roles = told.get(privilege) ?? new Set<string>();
    told.set(privilege, roles.add(role));
  }
  const inserters = target.roles.filter(({ history }) => history.includes('insert'));
  return [
    ...[...told].map(([privilege, roles]) =>
      gap(
        'grant.history',
        shown,
        `${listed([...roles])} may ${privilege.toUpperCase()} on ${of}: ${privileges[privilege]}.`,
        [...roles].every((role) => target.roles.some(({ name }) => showIdentifier(name) === role))
          ? runInstall
          : 'Revoke it; `pgwitness install` does so of the roles that the configuration names, and of everyone.',
      ),
    ),
    ...(inserters.length === 0
      ? []
      : [
          note(
            'grant.history-insert',
            shown,
            `${listed(inserters.map(({ name }) => showIdentifier(name)))} may insert into ${of}, as configured, and so add rows there that no write made. Capture itself needs no such privilege.`,
            'Leave `insert` out of the role’s `history`, unless the application writes history too.',
          ),
        ]),
  ];
}

const privileges: Readonly<Record<string, string>> = {
  insert: 'it can add rows that no write made',
  update:
    'the guard refuses it where it stands; whoever takes that off can change what was captured',
  delete:
    'the guard refuses it where it stands; whoever takes that off can delete what was captured',
  truncate: 'the guard refuses it where it stands; whoever takes that off can empty it',
  trigger: 'it can replace the guard and the witness by triggers of its own, without a line',
};
