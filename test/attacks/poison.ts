/** A function of this name that, if capture called it, would fail the write: or worse, forge it. */
export function poisoned(signature: string, returns: string): string {
  return `create function public.${signature} returns ${returns} language plpgsql as
    $$ begin raise exception 'poisoned: ${signature.replaceAll("'", "''")} as %', current_user; end $$`;
}

/** What capture calls, under the names and argument types of Postgres's own. */
const functions: readonly (readonly [string, string])[] = [
  ['now()', 'timestamptz'],
  ['clock_timestamp()', 'timestamptz'],
  ['statement_timestamp()', 'timestamptz'],
  ['pg_current_xact_id()', 'xid8'],
  ['pg_backend_pid()', 'int'],
  ['current_setting(text)', 'text'],
  ['current_setting(text, boolean)', 'text'],
  ['set_config(text, text, boolean)', 'text'],
  ['format(text, text)', 'text'],
  ['format(text, name, name)', 'text'],
  ['format(text, variadic text[])', 'text'],
  ['quote_ident(text)', 'text'],
  ['quote_literal(text)', 'text'],
  ['concat(variadic text[])', 'text'],
  ['concat_ws(text, variadic text[])', 'text'],
  ['replace(text, text, text)', 'text'],
  ['jsonb_build_object(variadic text[])', 'jsonb'],
  ['jsonb_build_object(name, anyelement)', 'jsonb'],
  ['to_jsonb(anyelement)', 'jsonb'],
  ['row_to_json(record)', 'json'],
  ['to_json(anyelement)', 'json'],
  ['sha256(bytea)', 'bytea'],
  ['encode(bytea, text)', 'text'],
  ['convert_to(text, name)', 'bytea'],
  ['inet_client_addr()', 'inet'],
  ['txid_current()', 'bigint'],
  ['pg_trigger_depth()', 'int'],
  ['nextval(regclass)', 'bigint'],
  ['lower(text)', 'text'],
  ['length(text)', 'int'],
  ['left(text, int)', 'text'],
  ['length(bytea)', 'int'],
];

const operators: readonly (readonly [string, string, string, string])[] = [
  ['=', 'text', 'text', 'boolean'],
  ['<>', 'text', 'text', 'boolean'],
  ['=', 'oid', 'oid', 'boolean'],
  ['=', 'name', 'name', 'boolean'],
  ['=', 'name', 'text', 'boolean'],
  ['=', 'bytea', 'bytea', 'boolean'],
  ['||', 'text', 'text', 'text'],
  ['||', 'text', 'name', 'text'],
  ['||', 'name', 'text', 'text'],
  ['||', 'bytea', 'bytea', 'bytea'],
  ['||', 'jsonb', 'jsonb', 'jsonb'],
  ['->', 'jsonb', 'text', 'jsonb'],
  ['->>', 'jsonb', 'text', 'text'],
  ['-', 'jsonb', 'text', 'jsonb'],
  ['+', 'integer', 'integer', 'integer'],
];

/** Statements that make them all in public, for whoever may create there. */
export const poisonedFunctions: readonly string[] = functions.map(([signature, returns]) =>
  poisoned(signature, returns),
);

/** As poisonedFunctions, of operators. */
export const poisonedOperators: readonly string[] = operators.flatMap(
  ([name, left, right, result], index) => [
    poisoned(`op_${index}(${left}, ${right})`, result),
    `create operator public.${name} (leftarg = ${left}, rightarg = ${right}, function = public.op_${index})`,
  ],
);
