/** A value as test_decoding prints it: by the type's output function. */
export interface DecodedValue {
  /** As format_type_be names it, without a modifier; a schema stands before it unless it is visible. */
  readonly type: string;
  /** null for SQL's null; 'unchanged' for a TOASTed value that an UPDATE left as it was. */
  readonly value: { readonly text: string } | null | 'unchanged';
}

/** Columns by name. test_decoding leaves nulls out of old rows. */
export type DecodedRow = ReadonlyMap<string, DecodedValue>;

export interface RelationName {
  readonly schema: string;
  readonly name: string;
}

/** One line of test_decoding's output. */
export type DecodedLine =
  | { readonly kind: 'begin' | 'commit'; readonly xid: string }
  | {
      readonly kind: 'message';
      /** A transactional one is gone when its (sub)transaction is rolled back. */
      readonly transactional: boolean;
      readonly prefix: string;
      readonly content: string;
    }
  | { readonly kind: 'truncate'; readonly relations: readonly RelationName[] }
  | {
      readonly kind: 'change';
      readonly relation: RelationName;
      readonly operation: 'INSERT' | 'UPDATE' | 'DELETE';
      /** Of an UPDATE or a DELETE, whole under REPLICA IDENTITY FULL. */
      readonly old: DecodedRow | undefined;
      readonly new: DecodedRow | undefined;
    };

/** Reads a line of contrib/test_decoding (pg_decode_change, tuple_to_stringinfo, print_literal). Throws on any other. */
export function parseDecodedLine(line: string): DecodedLine {
  const border = /^(BEGIN|COMMIT) (\d+)$/.exec(line);
  if (border !== null) {
    return { kind: border[1] === 'BEGIN' ? 'begin' : 'commit', xid: border[2] ?? '' };
  }
  const message = /^message: transactional: ([01]) prefix: (.*?), sz: \d+ content:(.*)$/s.exec(
    line,
  );
  if (message !== null) {
    const [, transactional, prefix = '', content = ''] = message;
    return { kind: 'message', transactional: transactional === '1', prefix, content };
  }
  const reader = new Reader(line);
  reader.expect('table ');
  const relations = [reader.relation()];
  while (reader.accepts(', ')) relations.push(reader.relation());
  if (reader.accepts(': TRUNCATE:')) return { kind: 'truncate', relations };
  const [relation] = relations;
  if (relation === undefined || relations.length > 1) throw reader.unexpected();
  for (const operation of ['INSERT', 'UPDATE', 'DELETE'] as const) {
    if (!reader.accepts(`: ${operation}:`)) continue;
    let old: DecodedRow | undefined;
    if (operation === 'DELETE') old = reader.row();
    else if (reader.accepts(' old-key:')) {
      old = reader.row();
      reader.expect(' new-tuple:');
    }
    const after = operation === 'DELETE' ? undefined : reader.row();
    reader.end();
    return { kind: 'change', relation, operation, old, new: after };
  }
  throw reader.unexpected();
}

class Reader {
  private at = 0;
  private readonly line: string;

  constructor(line: string) {
    this.line = line;
  }

  accepts(text: string): boolean {
    if (!this.line.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  expect(text: string): void {
    if (!this.accepts(text)) throw this.unexpected(text);
  }

  end(): void {
    if (this.at !== this.line.length) throw this.unexpected('the end');
  }

  unexpected(wanted = 'something else'): Error {
    return new Error(
      `test_decoding wrote a line not understood at ${this.at} (${wanted} was expected): ${this.line}`,
    );
  }

  relation(): RelationName {
    const schema = this.identifier();
    this.expect('.');
    return { schema, name: this.identifier() };
  }

  /** Columns up to `new-tuple:` or the end. */
  row(): DecodedRow {
    const row = new Map<string, DecodedValue>();
    if (this.accepts(' (no-tuple-data)')) return row;
    while (this.at < this.line.length && !this.line.startsWith(' new-tuple:', this.at)) {
      this.expect(' ');
      const name = this.identifier();
      this.expect('[');
      const type = this.type();
      this.expect(']:');
      row.set(name, { type, value: this.value() });
    }
    return row;
  }

  private identifier(): string {
    if (this.line[this.at] === '"') return this.quoted('"');
    return this.match(/[^".:,[\s]+/y);
  }

  /** A type's name holds brackets in pairs (an array's), and any other within double quotes. */
  private type(): string {
    return this.match(/(?:"(?:[^"]|"")*"|\[\]|[^"[\]])+/y);
  }

  private value(): DecodedValue['value'] {
    if (this.accepts('null')) return null;
    if (this.accepts('unchanged-toast-datum')) return 'unchanged';
    if (this.line.startsWith("B'", this.at)) this.at += 1;
    if (this.line[this.at] === "'") return { text: this.quoted("'") };
    // Numbers and booleans.
    return { text: this.match(/[^\s']+/y) };
  }

  /** A quote inside is doubled; nothing else is escaped. */
  private quoted(quote: '"' | "'"): string {
    const pattern = quote === '"' ? /"((?:[^"]|"")*)"/y : /'((?:[^']|'')*)'/y;
    return this.match(pattern).slice(1, -1).replaceAll(quote.repeat(2), quote);
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.line)?.[0];
    if (found === undefined) throw this.unexpected();
    this.at += found.length;
    return found;
  }
}
