import { showIdentifier } from './capture-names.ts';
import { type Gap, gap, note, runInstall } from './coverage-gap.ts';
import type { CoverageLook } from './coverage-look.ts';
import { planBookkeeping, planPreconditions } from './plan-bookkeeping.ts';
import { planOwnFunctions } from './plan-own-functions.ts';
import { planOwnRights } from './plan-own-rights.ts';
import { planPseudonymizers } from './plan-pseudonym.ts';
import { migrations } from './sql-file.ts';
import type { CaptureTarget } from './target.ts';

/** What keeps install from doing anything at all, or is not up to date. */
export function installGaps({ catalogue, target }: CoverageLook): Gap[] {
  const objects = [
    ...planPreconditions(catalogue, target),
    ...planBookkeeping(catalogue, target, migrations()),
  ];
  const refused = objects
    .filter(({ action }) => action === 'refuse')
    .map(({ name, why, fix }) =>
      gap('install.refused', undefined, `${name}: ${why}.`, fix ?? 'See to it, and run it again.'),
    );
  const unread =
    catalogue.server.bookkeeping?.readable === false
      ? [
          gap(
            'install.unreadable',
            undefined,
            `Can’t tell what was installed: ${showIdentifier(catalogue.server.user)} may not read the schema pgwitness.`,
            `Log in as ${showIdentifier(target.owner)}.`,
          ),
        ]
      : [];
  const older = objects.some(({ action }) => action === 'create' || action === 'change');
  const text = 'The schema pgwitness is that of an older version.';
  return [
    ...refused,
    ...unread,
    ...ownGaps(catalogue, target),
    ...(older && catalogue.records.tables.length > 0
      ? [note('install.older', undefined, text, runInstall)]
      : []),
  ];
}

/** Functions and rights in the schema pgwitness, on which all guards and witnesses rest. */
function ownGaps(catalogue: CoverageLook['catalogue'], target: CaptureTarget): Gap[] {
  if (catalogue.records.migrations.length === 0) return [];
  const own = [
    ...planOwnFunctions(catalogue, target, migrations()),
    ...planOwnRights(catalogue, migrations()),
    ...planPseudonymizers(catalogue, target),
  ];
  return own
    .filter(({ action }) => action !== 'unchanged' && action !== 'adopt')
    .map(({ name, why, fix }) =>
      gap(
        'install.altered',
        undefined,
        `${name}${why === undefined ? ' is missing' : `: ${why}`}. Guards, witness lines, masks and the view of changes rest on it.`,
        fix ?? runInstall,
      ),
    );
}
