/** The secrets of a file, by the name of their variable; or what is wrong with its text. */
export type ParsedSecrets =
  | { readonly ok: true; readonly secrets: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly line: number; readonly why: string };

const assignment = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/;
/** A value in quotes, or bare; then perhaps a comment. */
const value = /^(?:'([^']*)'|"([^"\\$`]*)"|([^\s'"\\$`]*))(?:\s+#.*)?$/;

/**
 * Reads lines of `NAME=value`; blank lines and lines that begin with `#` say nothing. A value in single
 * quotes is taken as it stands; in double quotes or bare it may hold none of the signs that one reader of
 * such files replaces and another does not (`\`, `$`, `` ` ``). No fault quotes anything of the file.
 */
export function parseSecrets(text: string): ParsedSecrets {
  const secrets = new Map<string, string>();
  for (const [index, line] of linesOf(text).entries()) {
    const wrong = (why: string): ParsedSecrets => ({ ok: false, line: index + 1, why });
    if (saysNothing(line)) continue;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(line)) return wrong('holds a control character');
    const [, name, written] = assignment.exec(line) ?? [];
    if (name === undefined || written === undefined) return wrong('is not NAME=value');
    if (!/^[A-Z_][A-Z0-9_]*$/.test(name)) return wrong('has a name with small letters');
    if (secrets.has(name)) return wrong('has a name that stands there already');
    const found = value.exec(written.trimEnd());
    if (found === null) return wrong('has a value that more than one reading is possible of');
    secrets.set(name, found[1] ?? found[2] ?? found[3] ?? '');
  }
  return { ok: true, secrets };
}

/**
 * `text`, which `parseSecrets` takes, with each of `changes`: a value to set, undefined to take the line
 * away. All else in it stays, comments too. Values are written in single quotes and must hold none.
 */
export function editSecrets(
  text: string,
  changes: ReadonlyMap<string, string | undefined>,
): string {
  const left = new Map(changes);
  const lines = linesOf(text).flatMap((line) => {
    const name = saysNothing(line) ? undefined : assignment.exec(line)?.[1];
    if (name === undefined || !changes.has(name)) return [line];
    left.delete(name);
    const changed = changes.get(name);
    return changed === undefined ? [] : [secretLine(name, changed)];
  });
  if (lines.at(-1) === '') lines.pop();
  for (const [name, added] of left) if (added !== undefined) lines.push(secretLine(name, added));
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function secretLine(name: string, secret: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/['\u0000-\u001f\u007f]/.test(secret)) throw new TypeError('a secret can’t be quoted');
  return `${name}='${secret}'`;
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n/);
}

function saysNothing(line: string): boolean {
  return /^\s*(#|$)/.test(line);
}
