import { Document, isScalar, type Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { showIdentifier } from '../capture/capture-names.ts';
import { findSecrets } from '../config/find-secrets.ts';
import { parseConfig } from '../config/read-config.ts';
import { PgwitnessError } from '../error.ts';
import type { Proposal, ProposedRole, ProposedTable } from './proposal.ts';

/**
 * The proposal as the text of a `pgwitness.yaml`, whose names read back as they are in the catalogue.
 * Without comments where it would otherwise be larger than a configuration may be; undefined where it
 * still is.
 */
export function configText(proposal: Proposal): string | undefined {
  for (const comments of [true, false]) {
    const text = documentText(proposal, comments);
    const parsed = parseConfig(text, 'pgwitness.yaml');
    if (parsed.ok) return text;
    // Every other problem would be a fault of this program.
    if (!parsed.problems.some(({ sentence }) => /^The file is larger/.test(sentence))) {
      throw new TypeError(
        `init wrote a configuration with problems: ${parsed.problems[0]?.sentence}`,
      );
    }
  }
  return undefined;
}

/** The error where `configText` gave none: `init.too-large`, exit 2. */
export function tooLarge({ tables, schema }: Proposal): PgwitnessError {
  return new PgwitnessError({
    code: 'init.too-large',
    message: `A configuration with all ${tables.length} tables of the schema ${showIdentifier(schema)} would be larger than pgwitness reads.`,
    fix: 'Print the proposals with --json, and write a file of those tables that need a trail.',
    exit: 2,
  });
}

function documentText(proposal: Proposal, comments: boolean): string {
  const document = new Document(contents(proposal, comments), { version: '1.2' });
  document.commentBefore = [
    ` Written by \`pgwitness init\` from the database ${showIdentifier(proposal.database)}: proposals, to be read before`,
    ' `pgwitness install`. No secret stands here: each *_env names the variable that holds one.',
  ]
    .map(harmless)
    .join('\n');
  const text = document.toString({ lineWidth: 0, indentSeq: true, flowCollectionPadding: false });
  // By now they stand in double quotes alone: comments have none, and names that hold one are quoted.
  return text.replace(harmful, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\U${code.toString(16).padStart(8, '0')}`;
  });
}

function contents(proposal: Proposal, comments: boolean): YAMLMap {
  const say = <N extends Node>(node: N, comment: string): N => {
    if (comments) node.comment = ` ${harmless(comment)}`;
    return node;
  };
  const above = (pair: Pair, lines: readonly string[]): Pair => {
    if (comments && isScalar(pair.key)) {
      pair.key.commentBefore = lines.flatMap(wrapped).map(harmless).join('\n');
    }
    return pair;
  };

  const database: Pair[] = [
    entry('owner_url_env', plain(proposal.ownerUrlEnv)),
    ...(proposal.appUrlEnv === undefined
      ? []
      : [
          entry(
            'app_url_env',
            say(
              plain(proposal.appUrlEnv),
              'as the application logs in; the smoke test writes as it',
            ),
          ),
        ]),
    ...(proposal.superuserUrlEnv === undefined
      ? []
      : [
          entry(
            'superuser_url_env',
            say(
              plain(proposal.superuserUrlEnv),
              'a login that may set log_statement for the roles',
            ),
          ),
        ]),
    ...(proposal.schema === 'public' ? [] : [entry('schema', nameNode(proposal.schema))]),
    entry('owner', nameNode(proposal.owner)),
    above(entry('witness', plain(true)), [
      'What leaves the database with this:',
      ...proposal.leaves.map((sentence) => `- ${sentence}`),
    ]),
    above(entry('tables', list(proposal.tables.map((table) => tableNode(table, say)))), [
      ...(proposal.leftOut.length === 0 ? [] : ['Left out:']),
      ...proposal.leftOut.map(({ name, why }) => `- ${showIdentifier(name)} ${why}`),
      ...(proposal.tables.some(({ columns }) => columns.length > 0)
        ? [
            'exclude: not captured at all. mask: captured as a keyed token, the same value as the same token. personal: replaced in history by `pgwitness pseudonymize`.',
          ]
        : []),
    ]),
  ];
  if (proposal.appendOnly.length > 0) {
    const items = proposal.appendOnly.map(({ name, why }) => say(nameNode(tableName(name)), why));
    database.push(
      above(entry('append_only', list(items)), [
        'UPDATE, DELETE and TRUNCATE are refused on these: move one to `tables` if that is not so today.',
      ]),
    );
  }
  database.push(entry('roles', map(proposal.roles.map((role) => roleEntry(role, above)))));

  const app = map([
    entry(
      'drain',
      map([
        entry(
          'secret_env',
          say(
            plain(proposal.drainSecretEnv),
            'the password in the drain URL; the receiver asks for it',
          ),
        ),
      ]),
    ),
    entry('database', map(database)),
  ]);
  return map([
    entry('version', plain(1)),
    entry('archive', map([entry('folder', plain('./archive'))])),
    entry('apps', map([new Pair(nameNode(proposal.app), app)])),
  ]);
}

function tableNode(
  { name, note, columns }: ProposedTable,
  say: <N extends Node>(node: N, comment: string) => N,
): Node {
  const named = nameNode(tableName(name));
  if (note !== undefined) say(named, note);
  if (columns.length === 0) return named;
  const lists = (['exclude', 'mask', 'personal'] as const).flatMap((key) => {
    const listed = columns.filter((column) => column.list === key);
    if (listed.length === 0) return [];
    const items = listed.map((column) =>
      say(nameNode(column.name), `${column.type}: ${column.why}`),
    );
    return [entry(key, list(items))];
  });
  return map([entry('table', named), ...lists]);
}

function roleEntry(
  { name, logStatement, history, why }: ProposedRole,
  above: (pair: Pair, lines: readonly string[]) => Pair,
): Pair {
  const keys = map([
    ...(logStatement === undefined ? [] : [entry('log_statement', plain(logStatement))]),
    ...(history.length === 0 ? [] : [entry('history', list(history.map(plain), true))]),
  ]);
  if (keys.items.length === 0) keys.flow = true;
  return above(new Pair(nameNode(name), keys), [why]);
}

/** A table as the configuration writes it; all of a proposal are of its one schema. */
const tableName = showIdentifier;

function entry(key: string, value: Node): Pair {
  return new Pair(plain(key), value);
}

function map(items: Pair[]): YAMLMap {
  const node = new YAMLMap();
  node.items.push(...items);
  return node;
}

function list(items: readonly Node[], flow = false): YAMLSeq {
  const node = new YAMLSeq();
  node.items.push(...items);
  node.flow = flow;
  return node;
}

function plain(value: string | number | boolean): Scalar {
  return new Scalar(value);
}

/** A name from the database: quoted wherever any YAML, old or new, might read it as something else. */
function nameNode(name: string): Scalar {
  const node = new Scalar(name);
  const word =
    /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(name);
  node.type = word ? Scalar.PLAIN : Scalar.QUOTE_DOUBLE;
  return node;
}

/** Control and format characters, other ends of lines: what does not show, or shows something else. */
const harmful = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\ufeff]/gu;

/** Text for a comment, on one line; one that looks like a secret is not quoted. */
function harmless(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\ufffd');
  return findSecrets(line).length > 0 ? ' (left out: it looks like a secret)' : line;
}

const widest = 88;

/** A sentence in comment lines that can be read. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length >= widest) {
      lines.push(line);
      line = text.startsWith('- ') ? ' ' : '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => ` ${each}`);
}
