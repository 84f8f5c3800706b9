/// <reference path="./libpg-query-wasm.d.ts" />
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import instantiate, { type PgQueryModule } from 'libpg-query/wasm/libpg-query.js';

/**
 * What Postgres 18's own grammar makes of a text: `statements`; `beginning`, where more words could
 * make statements of it; `neither`.
 */
export type Parsed = 'statements' | 'beginning' | 'neither';

/** Postgres's grammar, in WebAssembly. */
export interface SqlGrammar {
  /** Never throws. */
  parse(sql: string): Parsed;
  /**
   * To be asked, and awaited, before each message: makes a new instance where a statement has broken
   * the one before, so that what is made of a message never hangs on another one. Undefined where
   * there is nothing to wait for.
   */
  ready(): Promise<void> | undefined;
}

/** A heap never shrinks: an instance that one statement made grow over this is replaced (bytes). */
const mostHeap = 256 * 1024 * 1024;

/**
 * Has most rules of what applications write in it. V8 compiles a function of WebAssembly when it is
 * first called: after this the first frame meets few that are not.
 */
const firstStatement = `with x as (select a, count(*) as n from t as u left join s.v on u.id = v.id
  where b = 'a' and c in (1, 2) and d is not null or e like $1 group by a having true
  order by n desc limit 1 offset 2) insert into t (a, "b") values ($1, f(2, 'a')::text), (null, now())
  on conflict (a) do update set b = excluded.b returning id;
  update t set a = 1, b = case when c then -1.5 else null end where id = any(array[1]) and not exists (select 1);
  delete from t where a between 1 and 2; begin; commit; set a.b = 'c'`;

/** Compiles the grammar (1.7 MB) and warms it. Throws where its file is not there. */
export async function loadSqlGrammar(): Promise<SqlGrammar> {
  // The parser is one huge function, for which V8's optimising compiler takes half a
  // second of a core; and what it makes was, as measured, no faster than the simple one's code. It holds for
  // all WebAssembly of the process, of which there is none besides that matters.
  setFlagsFromString('--liftoff-only');
  const compiled = await WebAssembly.compile(readFileSync(grammarFile()));
  // What the module prints may hold statements, so it prints nowhere.
  const silent = () => undefined;
  const make = () =>
    instantiate({
      instantiateWasm: (imports, done) => {
        done(new WebAssembly.Instance(compiled, imports), compiled);
        return {};
      },
      print: silent,
      printErr: silent,
    });
  let query: PgQueryModule | undefined = await make();
  let making: Promise<void> | undefined;
  const encoder = new TextEncoder();
  parseWith(query, encoder.encode(firstStatement));
  return {
    parse(sql) {
      // A C string would end there, and what follows would go unseen.
      if (query === undefined || sql.includes('\0')) return 'neither';
      try {
        const parsed = parseWith(query, encoder.encode(sql));
        if (query.HEAPU8.length > mostHeap) query = undefined;
        return parsed;
      } catch {
        // A trap, out of stack or memory: what its memory holds now is not to be relied on.
        query = undefined;
        return 'neither';
      }
    },
    ready() {
      if (query !== undefined) return undefined;
      making ??= make().then((made) => {
        query = made;
        making = undefined;
      });
      return making;
    },
  };
}

/** Beside the bundle where there is one (Lambda), else in its package. */
function grammarFile(): string {
  const beside = fileURLToPath(new URL('./libpg-query.wasm', import.meta.url));
  if (existsSync(beside)) return beside;
  return fileURLToPath(import.meta.resolve('libpg-query/wasm/libpg-query.wasm'));
}

function parseWith(query: PgQueryModule, sql: Uint8Array): Parsed {
  const text = query._malloc(sql.length + 1);
  if (text === 0) throw new Error('no memory for the statement');
  query.HEAPU8.set(sql, text);
  query.HEAPU8[text + sql.length] = 0;
  const result = query._wasm_parse_query_raw(text);
  query._free(text);
  if (result === 0) throw new Error('no memory for the result');
  // `HEAPU32` is looked up anew: it is another one after the heap has grown.
  const error = query.HEAPU32[result / 4 + 2] ?? 0;
  const message = error === 0 ? undefined : query.UTF8ToString(query.HEAPU32[error / 4] ?? 0);
  query._wasm_free_parse_result(result);
  if (message === undefined) return 'statements';
  return message === 'syntax error at end of input' ? 'beginning' : 'neither';
}
