import { type CrossFault, shared } from './cross-fault.ts';
import type { KeyPath } from './problem.ts';
import { longestIdentifier, wrongColumn } from './table-name.ts';
import { type Named, textsAt } from './written.ts';

/** What the lists of columns of the table at `entry` can't know of one another. */
export function columnFaults(value: unknown, entry: KeyPath): CrossFault[] {
  const [exclude, mask, personal] = ['exclude', 'mask', 'personal'].map((list) =>
    textsAt(value, [...entry, list]),
  ) as [Named[], Named[], Named[]];
  return [
    ...[exclude, mask, personal].flatMap((list) => [
      ...list.flatMap(nameFaults),
      ...shared(list, () => 'This column stands here twice.', 'Name each column once.'),
    ]),
    ...inBoth(exclude, mask, {
      sentence: (column) => `The column ${column} stands both in \`exclude\` and in \`mask\`.`,
      fix: 'Leave it in one: of an excluded column nothing is captured, of a masked one a token.',
    }),
    ...inBoth(exclude, personal, {
      sentence: (column) => `The column ${column} is \`personal\`, and excluded from capture.`,
      fix: 'Take it out of `personal`: history holds nothing of it that could be replaced.',
    }),
  ];
}

function nameFaults({ at, text }: Named): CrossFault[] {
  // Of one that has too many characters the schema tells.
  const why = text.length > longestIdentifier ? undefined : wrongColumn(text);
  return why === undefined
    ? []
    : [{ at, sentence: `This name ${why}.`, fix: 'Write the column as the catalogue has it.' }];
}

function inBoth(
  first: readonly Named[],
  second: readonly Named[],
  told: { sentence: (column: string) => string; fix: string },
): CrossFault[] {
  const names = new Set(first.map(({ text }) => text));
  return second
    .filter(({ text }) => names.has(text))
    .map(({ at, text }) => ({ at, sentence: told.sentence(`\`${text}\``), fix: told.fix }));
}
