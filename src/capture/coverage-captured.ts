import { showIdentifier, showName } from './capture-names.ts';
import { columnChanges, isAsInstalled, sameKey, unknownColumns } from './coverage-form.ts';
import { type Gap, gap, listed, note, runInstall } from './coverage-gap.ts';
import { type CapturedLook, functionState } from './coverage-look.ts';
import { knownShapes } from './image-shape.ts';

/** As installed, drifted, or not to be told. */
export type ShapeState = 'as installed' | 'drifted' | 'unknown';

/** Whether a write takes the form that install made. */
export function shapeState({ form, table }: CapturedLook): ShapeState {
  if (form === undefined) return 'unknown';
  return isAsInstalled(form, table) ? 'as installed' : 'drifted';
}

/** The capture function, and the table's form against it. */
export function functionGaps(look: CapturedLook): Gap[] {
  const { shown, names, fn, objects, form } = look;
  const name = `${showName(names.schema, names.function)}()`;
  const planned = objects.find((object) => object.kind === 'function' && object.name === name);
  if (fn === undefined) {
    return [gap('function.missing', shown, `${name} is missing: nothing is captured.`, runInstall)];
  }
  if (planned === undefined || planned.action === 'unchanged' || planned.action === 'adopt') {
    return imageGaps(look);
  }
  const state = functionState(look, planned);
  if (state === 'altered' || form === undefined) {
    const text = `${name} was replaced or altered since it was installed: what it captures can’t be told.`;
    return [gap('function.altered', shown, text, runInstall)];
  }
  if (state === 'unknown') {
    const text = `Can’t tell whether ${name} is what was installed: it was made by another version, or the notes of the install can’t be read.`;
    return [gap('function.unknown', shown, text, runInstall)];
  }
  return [...driftGaps(look), ...imageGaps(look)];
}

function driftGaps(look: CapturedLook): Gap[] {
  const { shown, table, form, configured, names } = look;
  if (form === undefined) return [];
  if (isAsInstalled(form, table)) {
    const text = `The configuration of the table, its key or the version of pgwitness is another than at install, and not yet in force: ${names.function}() works as it was installed.`;
    return [note('function.outdated', shown, text, runInstall)];
  }
  const gaps: Gap[] = [];
  if (form.shape !== table.shape) {
    const changes = listed(columnChanges(form, table));
    const text = `Its columns have changed since install (${changes}). Changes are captured as exactly, in a slower form. Values that ALTER TABLE itself gave to rows leave no line.`;
    gaps.push(
      note(
        'table.drifted',
        shown,
        text,
        `${runInstall} Then \`pgwitness baseline\`, for the new images.`,
      ),
    );
  }
  if (!sameKey(form, table)) {
    const now = table.key_columns.map(showIdentifier).join(', ');
    const text = `Its primary key is another one than at install (now ${now === '' ? 'none' : now}). Changes are captured as exactly, in a slower form, under the key of the day.`;
    gaps.push(note('table.key-changed', shown, text, runInstall));
  }
  const hidden = [...(configured.exclude ?? []), ...(configured.mask ?? [])];
  const unknown = hidden.length === 0 ? [] : unknownColumns(form, table);
  if (unknown.length > 0) {
    const text = `Of ${listed(unknown.map(showIdentifier))} only tokens are kept until install: the table has columns left out or masked, and under a new name it might be one of them.`;
    gaps.push(gap('table.unknown-columns', shown, text, runInstall));
  }
  return gaps;
}

/** History has lost the columns of the newest form of image. */
function imageGaps(look: CapturedLook): Gap[] {
  const { catalogue, names, shown, history } = look;
  const shape = knownShapes(catalogue, names).at(-1);
  if (shape === undefined || history === undefined) return [];
  const columns = history.columns.map(({ name }) => name);
  const lost = [`image_${shape.number}`, `before_${shape.number}`].filter(
    (name) => !columns.includes(name),
  );
  const gaps: Gap[] = [];
  if (lost.length > 0) {
    const text = `${showName(names.schema, names.history)} has lost ${listed(lost)}: writes fail, or go uncaptured where \`on_failure\` is continue.`;
    gaps.push(gap('history.altered', shown, text, runInstall));
  }
  return gaps;
}
