import type { Proposal } from '../../init/proposal.ts';
import type { Cli } from '../context.ts';
import { defineVerb } from '../define-verb.ts';
import { configFlag, jsonFlag } from '../flags.ts';

interface Flags {
  readonly app: string;
  readonly ownerUrlEnv?: string;
  readonly schema: string;
  readonly out: string;
  readonly force: boolean;
  readonly json: boolean;
}

const text = { kind: 'parsed', parse: String } as const;

export const initVerb = defineVerb<Flags>({
  brief: 'Look at a database and write a pgwitness.yaml that proposes what to capture',
  detail: [
    'Proposes tables, append-only tables, roles, and columns to leave out, to mask or to name as personal, each with its reason in a comment; tells which tables are left out and why, what the trail would suffer from, and what leaves the database with it. Reads the catalogue alone, no row, and changes nothing in the database.',
    'Exits 0 when the file is written, whatever is told beside it; 2 when it can’t be, or there is nothing to capture; 3 when the database can’t be reached.',
  ].join('\n\n'),
  examples: [
    [
      'pgwitness init --app myapp --owner-url-env MYAPP_OWNER_URL',
      'write ./pgwitness.yaml for the schema public',
    ],
    ['pgwitness init --app till --schema billing --out till.yaml', 'of another schema, elsewhere'],
    ['pgwitness init --app myapp --json', 'the proposals for a program; no file is written'],
  ],
  parameters: {
    flags: {
      app: { ...text, brief: 'Name of the app in the file, in lower case', placeholder: 'name' },
      ownerUrlEnv: {
        ...text,
        brief: "Variable with the owner's connection URL; by default <APP>_OWNER_URL",
        placeholder: 'variable',
        optional: true,
      },
      schema: { ...text, brief: 'Schema of the tables', placeholder: 'name', default: 'public' },
      out: { ...configFlag, brief: 'File to write' },
      force: {
        kind: 'boolean',
        brief: 'Replace the file where it is there already',
        default: false,
        withNegated: false,
      },
      json: jsonFlag,
    },
  },
  async run(cli, flags) {
    const { checkNaming, proposeFrom } = await import('../../init/init.ts');
    const { tooLarge } = await import('../../init/config-text.ts');
    const { expectNoFile, writeConfig } = await import('../../init/write-config.ts');
    const naming = checkNaming(flags);
    if (!flags.json && !flags.force) await expectNoFile(flags.out);
    const { proposal, yaml } = await proposeFrom(cli.env, naming);
    if (flags.json) {
      const { harmlessJson } = await import('../harmless-text.ts');
      cli.process.stdout.write(`${harmlessJson({ ...proposal, yaml: yaml ?? null })}\n`);
      return 0;
    }
    if (yaml === undefined) throw tooLarge(proposal);
    const page = await openPage(cli);
    // What leaves the database is said before there is a file that would have it leave.
    tellProposal(page, proposal);
    await writeConfig(flags.out, yaml, { force: flags.force });
    tellNext(page, flags.out);
    return 0;
  },
});

/** Where the answer is written, in sections. */
interface Page {
  /** What stands before a finding. */
  readonly mark: string;
  /** A name as the catalogue has it, shown as SQL would take it. */
  readonly show: (name: string) => string;
  readonly section: (title: string) => void;
  /** A paragraph; of several lines, on a terminal. */
  readonly block: (indent: string, told: string) => void;
  /** The code of a finding. */
  readonly note: (code: string) => void;
}

async function openPage(cli: Cli): Promise<Page> {
  const { createColors } = (await import('picocolors')).default;
  const { harmlessText, wrapText } = await import('../harmless-text.ts');
  const { showIdentifier } = await import('../../capture/capture-names.ts');
  const paint = createColors(cli.terminal);
  return {
    mark: paint.yellow('!'),
    show: showIdentifier,
    section: (title) => cli.process.stdout.write(`\n${paint.bold(title)}\n`),
    note: (code) => cli.process.stdout.write(`    ${paint.dim(code)}\n`),
    block: (indent, told) => {
      const clean = harmlessText(told);
      const lines = cli.terminal ? wrapText(clean, 80 - indent.length) : [clean];
      cli.process.stdout.write(lines.map((line) => `${indent}${line}\n`).join(''));
    },
  };
}

function tellProposal({ show, section, block, note, mark }: Page, proposal: Proposal): void {
  const { tables, appendOnly, roles, leftOut, findings, leaves, app } = proposal;
  const columns = tables.reduce((sum, table) => sum + table.columns.length, 0);
  const counts = [
    counted(tables.length, 'table'),
    `${appendOnly.length} append-only`,
    counted(roles.length, 'role'),
    `${counted(columns, 'column')} to exclude, mask or pseudonymize`,
  ];
  block('', `Proposed for the app ${app}: ${counts.join(', ')}.`);
  if (leftOut.length > 0) {
    section('Left out');
    for (const { name, why } of leftOut) block('  ', `${show(name)} ${why}`);
  }
  if (findings.length > 0) {
    section(counted(findings.length, 'finding'));
    for (const { code, sentence, fix } of findings) {
      block(`  ${mark} `, sentence);
      block('    ', fix);
      note(code);
    }
  }
  section('What leaves the database with it, once installed');
  for (const sentence of leaves) block('  ', sentence);
}

function tellNext({ section, block }: Page, out: string): void {
  const config = out === configFlag.default ? '' : ` --config ${out}`;
  block('\n', `${out} is written.`);
  section('Next');
  block('  ', 'Read the file, and put what its variables name into the environment.');
  block('  ', `\`pgwitness config check --connect${config}\`, then \`pgwitness plan${config}\`.`);
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
