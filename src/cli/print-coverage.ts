import pc from 'picocolors';
import type { Coverage, CoveredTable } from '../capture/coverage.ts';
import type { Gap } from '../capture/coverage-gap.ts';
import type { Cli } from './context.ts';
import { harmlessJson, harmlessText, wrapText } from './harmless-text.ts';

const columns = 80;

/** Prints the coverage of one database, for people; nothing in it acts on the terminal. */
export function printCoverage(cli: Cli, coverage: Coverage): void {
  const paint = pc.createColors(cli.terminal);
  const { tables, gaps } = coverage;
  const lines = [
    ...block('', '', `Coverage of the database ${coverage.database}, owned by ${coverage.owner}`),
    '',
    ...tables.flatMap((table) => [
      ...tableLines(table, paint),
      ...gaps.filter((gap) => gap.table === table.name).flatMap((gap) => gapLines(gap, paint)),
    ]),
  ];
  const rest = gaps.filter(({ table }) => !tables.some(({ name }) => name === table));
  if (rest.length > 0) {
    lines.push('', paint.bold('the database'), ...rest.flatMap((gap) => gapLines(gap, paint)));
  }
  const count = gaps.filter(({ level }) => level === 'gap').length;
  const notes = gaps.length - count;
  const sum = `${counted(count, 'gap')}, ${counted(notes, 'note')}.`;
  lines.push(
    '',
    ...block('', '', coverage.never),
    count === 0
      ? paint.green(
          `No gap: what is written to these tables is captured. ${counted(notes, 'note')}.`,
        )
      : paint.red(`Changes are or may be lost, or can’t be told exactly: ${sum}`),
  );
  cli.process.stdout.write(`${lines.join('\n')}\n`);
}

/** The same for programs, as one line of JSON; times are ISO 8601. */
export function coverageJson(coverage: Coverage): string {
  const { database, owner, tables, gaps, never } = coverage;
  const ok = gaps.every(({ level }) => level !== 'gap');
  return harmlessJson({ ok, database, owner, tables, gaps, never });
}

type Paint = ReturnType<typeof pc.createColors>;

function tableLines(table: CoveredTable, paint: Paint): string[] {
  const { name, level } = table;
  const mark = { gap: paint.red('✗'), note: paint.yellow('·'), ok: paint.green('✓') }[level];
  const [first = '', ...more] = wrapText(harmlessText(name), columns - 2);
  return [
    `${mark} ${paint.bold(first)}`,
    ...more.map((line) => `  ${paint.bold(line)}`),
    ...block('  ', '  ', stateOf(table)),
  ];
}

function stateOf({ kind, state, installedAt, baseline, shape }: CoveredTable): string {
  if (state === 'missing') return 'no such table';
  if (state === 'renamed') return 'captured under another name';
  const done = kind === 'captured' ? 'captured' : 'append-only, guarded';
  if (state === 'off') return `not ${done}`;
  const since =
    installedAt === null ? ', since when is not known' : ` as installed ${moment(installedAt)}`;
  const parts = [`${done}${since}`];
  if (shape === 'drifted') parts.push('its shape has drifted since');
  if (shape === 'unknown') parts.push('its shape can’t be told');
  if (baseline !== null) {
    const { state: taken, since: held } = baseline;
    parts.push(
      {
        complete: `baseline complete${held === null ? '' : `, holds since ${moment(held)}`}`,
        'being taken': 'baseline not complete',
        none: 'no baseline',
        needed: 'a new baseline is needed',
        unknown: 'whether there is a baseline can’t be told',
        'not needed': 'without a key, so with both images of each change',
      }[taken],
    );
  }
  return parts.join('; ');
}

function gapLines({ level, id, what, todo }: Gap, paint: Paint): string[] {
  const label = level === 'gap' ? paint.red('gap ') : paint.yellow('note');
  const [first = '', ...more] = wrapText(harmlessText(what), columns - 9);
  return [
    `    ${label} ${first}`,
    ...more.map((line) => `         ${line}`),
    ...block('         ', '           ', `→ ${todo}`),
    `         ${paint.dim(id)}`,
  ];
}

/** Text below a line: the first at `indent`, the others at `hanging`. */
function block(indent: string, hanging: string, text: string): string[] {
  return wrapText(harmlessText(text), columns - hanging.length).map(
    (line, index) => `${index === 0 ? indent : hanging}${line}`,
  );
}

function moment(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
