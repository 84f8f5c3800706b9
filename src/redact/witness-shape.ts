const id = '-?\\d{1,20}';
const digest = '[0-9a-f]{32}';
const name = '(?:[a-z_][a-z0-9_]{0,62}|"(?:[^"]|""){1,126}")';
const qualified = new RegExp(`^${name}\\.${name}$`);
/** The table's name is the one place in it that is not a number, a word of ours or a digest. */
const witness = new RegExp(
  `^AUDIT: WITNESS,${id},1,(?:WRITE|MISC),(?:INSERT|UPDATE|DELETE|TRUNCATE),TABLE,` +
    `([a-z0-9_.]{3,127}|"(?:[^"]|""){3,600}"),<none>,<none>,xid=${id}(?: sub=${id})?(?: rows=${id})?` +
    `(?: ids=${id}-${id})?(?: digest=${digest}| images=${image()}(?:;${image()}){0,15})?,${digest}$`,
);

function image(): string {
  return `${id}:${digest}:${digest}`;
}

/**
 * Whether a message has the shape of a witness line, all of it. Whether it is a true one only its
 * code tells; but there is no room in it for anything beside a table's name.
 */
export function isWitnessShape(message: string): boolean {
  const object = witness.exec(message)?.[1];
  if (object === undefined) return false;
  const written = object.startsWith('"') ? object.slice(1, -1).replaceAll('""', '"') : object;
  return qualified.test(written);
}
