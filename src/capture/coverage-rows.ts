import { showIdentifier, showName } from './capture-names.ts';
import { type BaselineReason, nameKey } from './catalogue.ts';
import { type Gap, gap, listed, note } from './coverage-gap.ts';
import type { CapturedLook } from './coverage-look.ts';

const nothing = 'Nothing need be done.';

/** What of a captured table's rows is kept otherwise than as it is, or not at all. */
export function rowGaps(look: CapturedLook): Gap[] {
  return [
    ...keyGaps(look),
    ...columnGaps(look),
    ...persistenceGaps(look),
    ...wideGaps(look),
    ...failureGaps(look),
    ...baselineGaps(look),
  ];
}

function keyGaps({ shown, table, configured }: CapturedLook): Gap[] {
  if (table.key_columns.length === 0) {
    const text =
      'It has no primary key: changes are captured with both images, and without a key that tells one row’s from another’s.';
    return [note('table.no-key', shown, text, 'Add a primary key, and run `pgwitness install`.')];
  }
  const left = table.key_columns.filter((name) => configured.exclude?.includes(name) === true);
  if (left.length === 0) return [];
  const text = `${listed(left.map(showIdentifier))} of its primary key is left out, so that changes are captured without a row key.`;
  return [note('table.key-left-out', shown, text, 'Name it under `mask` instead of `exclude`.')];
}

function columnGaps({ shown, table, configured, all }: CapturedLook): Gap[] {
  const names = (columns: readonly string[]) => listed(columns.map(showIdentifier));
  const { exclude = [], mask = [] } = configured;
  const notes: Gap[] = [];
  if (exclude.length > 0) {
    const text = `Nothing of ${names(exclude)} is captured, as configured (\`exclude\`).`;
    notes.push(note('columns.excluded', shown, text, nothing));
  }
  if (mask.length > 0) {
    const text = `Of ${names(mask)} keyed tokens are kept, as configured (\`mask\`): that a value changed is told, not to what.`;
    notes.push(note('columns.masked', shown, text, nothing));
  }
  if (table.virtual_columns.length > 0) {
    const text = `${names(table.virtual_columns)}: virtual, null in images, as triggers see no value of it. It follows from the other columns.`;
    notes.push(note('columns.virtual', shown, text, nothing));
  }
  const texts = table.columns.filter(
    ({ name, native }) => !native && !exclude.includes(name) && !mask.includes(name),
  );
  if (all && texts.length > 0) {
    const text = `${names(texts.map(({ name }) => name))}: kept as the text of the value, as its type is not one of Postgres's own, or has no fixed form.`;
    notes.push(note('columns.as-text', shown, text, nothing));
  }
  return notes;
}

function persistenceGaps({ shown, table, facts }: CapturedLook): Gap[] {
  const unlogged = [table, ...table.partitions].filter(
    ({ oid }) => facts.places.get(oid)?.persistence === 'u',
  );
  if (unlogged.length === 0) return [];
  const text = `${listed(unlogged.map(({ schema, name }) => showName(schema, name)))}: unlogged. After a crash of the server it is empty, without a line in history.`;
  return [gap('table.unlogged', shown, text, 'As its owner: alter table … set logged;')];
}

/** Bytes out of line, and bytes a row, from which on a row near Postgres's limit is no mere theory. */
const wide = { stored: 256 * 1024 ** 2, row: 16 * 1024 ** 2 } as const;

/** What the statistics suggest; where there are none, nothing is said. */
function wideGaps({ shown, table, facts }: CapturedLook): Gap[] {
  const places = [table, ...table.partitions].flatMap(({ oid }) => facts.places.get(oid) ?? []);
  const found = places.some(
    ({ toast_bytes, rows, average_bytes }) =>
      toast_bytes >= wide.stored &&
      (average_bytes >= wide.row || toast_bytes / Math.max(rows, 1) >= wide.row),
  );
  if (!found) return [];
  const text =
    'By its statistics its rows are of 16 MB and more. A row whose image would exceed 1 GB can’t be captured: writing it fails.';
  return [note('table.wide-rows', shown, text, 'Name columns of that size under `exclude`.')];
}

function failureGaps({ shown, configured }: CapturedLook): Gap[] {
  if (configured.onFailure !== 'continue') return [];
  const text =
    'Its writes go on where capture itself was destroyed (`on_failure: continue`): what is written then is lost to the trail, but for an error in the server log.';
  return [
    note(
      'table.continues',
      shown,
      text,
      'Say `on_failure: abort` where no write may go uncaptured.',
    ),
  ];
}

const takeOne = 'Run `pgwitness baseline`.';

/** What there is no image of in history, or none that is sure to be the row's. */
function baselineGaps({ shown, baselines, table }: CapturedLook): Gap[] {
  const held = baselines.get(nameKey(table.schema, table.name));
  if (held === undefined) {
    const text =
      'Can’t tell whether a baseline was taken: install refuses to work here, see below.';
    return [gap('baseline.unknown', shown, text, 'See to what install refuses for.')];
  }
  if (held.state === 'none') {
    const text =
      'No baseline was taken: rows that nothing has changed since install have no image in history. What a change replaced is kept with it until then.';
    return [note('baseline.none', shown, text, takeOne)];
  }
  if (held.state === 'being taken') {
    const text =
      'Its baseline is not complete: rows that nothing has changed since install may have no image in history yet. What a change replaced is kept with it until then.';
    return [note('baseline.not-complete', shown, text, takeOne)];
  }
  return held.because.flatMap((reason) => {
    const text = reasons[reason];
    return text === undefined ? [] : [gap('baseline.needed', shown, text, takeOne)];
  });
}

/** Partitions that came are told each by itself; a new form of the images loses nothing. */
const reasons: Readonly<Partial<Record<BaselineReason, string>>> = {
  interrupted:
    'Capture was off for a while: rows may have changed meanwhile, and no line in history tells it.',
  restored:
    'It is not the table that its baseline was taken of: restored, copied, or dropped and made anew. Its rows may be others than history says.',
  rewritten:
    'Can’t tell whether its rows are those of history: it was written anew since its baseline, by VACUUM FULL, CLUSTER, TRUNCATE or an ALTER TABLE, which may change values without a line.',
};
