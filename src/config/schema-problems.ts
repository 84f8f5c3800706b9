import type { z } from 'zod';
import type { CrossFault } from './cross-fault.ts';
import { nearest } from './nearest.ts';
import { type KeyPath, showKey } from './problem.ts';
import { configJsonSchema, type JsonSchema } from './schema.ts';

/** What zod found, as sentences with a fix. */
export function schemaFaults(issues: readonly z.core.$ZodIssue[], value: unknown): CrossFault[] {
  const schema = configJsonSchema();
  return issues.flatMap(innermost).flatMap((issue) => {
    const at = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    const name = showKey(at) || 'The file';
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => unknownKey(schema, at, key));
    }
    if (issue.code === 'invalid_key') {
      const why = issue.issues[0]?.message ?? 'is not a name that can stand here';
      return [
        {
          at,
          sentence: `The name \`${showKey(at.slice(-1))}\` ${lengthOr(issue.issues[0], why)}.`,
          fix: `Rename it. ${aboutKey(schema, at.slice(0, -1))}`.trim(),
          onKey: true,
        },
      ];
    }
    const missing = !present(value, at);
    if (missing && issue.code === 'invalid_value' && issue.values.length === 1) {
      const fix = `Add \`${String(at.at(-1) ?? '')}: ${String(issue.values[0])}\`.`;
      return [{ at, sentence: `\`${name}\` is missing.`, fix, onKey: false }];
    }
    if (missing && issue.code === 'invalid_type') {
      return [
        {
          at,
          sentence: `\`${name}\` is missing.`,
          fix: `Add \`${String(at.at(-1) ?? '')}:\`. ${aboutKey(schema, at)}`.trim(),
          onKey: false,
        },
      ];
    }
    return [
      {
        at,
        sentence: `\`${name}\` ${whatIsWrong(issue, valueAt(value, at))}.`,
        fix:
          aboutKey(schema, at) ||
          'Correct it; `pgwitness config schema` prints what may stand where.',
        onKey: false,
      },
    ];
  });
}

/**
 * Of a value that may be of several kinds, the faults of the kind that it is; the issue itself where it
 * is of none of them.
 */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const ofKind = issue.errors.find(
    (errors) => !errors.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  );
  if (ofKind === undefined) return [issue];
  return ofKind.flatMap((error) =>
    innermost({ ...error, path: [...issue.path, ...error.path] } as z.core.$ZodIssue),
  );
}

function unknownKey(schema: JsonSchema, at: KeyPath, key: string) {
  const known = Object.keys(schemaAt(schema, at)?.properties ?? {});
  const meant = nearest(key, known);
  const where = at.length === 0 ? 'at the top of the file' : `in \`${showKey(at)}\``;
  return {
    at: [...at, key],
    sentence: `There is no key \`${key}\` ${where}.`,
    fix:
      meant === undefined
        ? `Remove it. Keys that may stand there: ${known.join(', ')}.`
        : `Did you mean \`${meant}\`?`,
    onKey: true,
  };
}

/** No value is quoted: it may be a secret that was put where its variable's name belongs. */
function whatIsWrong(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kindNames[issue.expected] ?? issue.expected}, and is ${kindOf(value)}`;
    case 'invalid_value':
      return `must be ${issue.values
        .map(String)
        .join(', ')
        .replace(/, ([^,]*)$/, ' or $1')}`;
    case 'too_small':
    case 'too_big':
      return lengthOr(issue, issue.message);
    default:
      return issue.message;
  }
}

function lengthOr(issue: z.core.$ZodIssue | undefined, otherwise: string): string {
  if (issue?.code === 'too_small') {
    if (issue.origin === 'string') return 'is empty';
    if (issue.origin === 'array') return `must have at least ${issue.minimum} entry`;
    return `must be at least ${issue.minimum}`;
  }
  if (issue?.code === 'too_big') {
    if (issue.origin === 'string') return `is longer than ${issue.maximum} characters`;
    return `must be at most ${issue.maximum}`;
  }
  return otherwise;
}

const kindNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of keys',
  record: 'a group of keys',
};

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of keys';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a fraction';
  return typeof value === 'boolean' ? 'true or false' : typeof value;
}

function aboutKey(schema: JsonSchema, at: KeyPath): string {
  return schemaAt(schema, at)?.description ?? '';
}

function schemaAt(schema: JsonSchema, at: KeyPath): JsonSchema | undefined {
  let here: JsonSchema | undefined = schema;
  for (const part of at) {
    if (here === undefined) return undefined;
    // Of several kinds, the one that has keys.
    here = here.anyOf?.find(({ properties }) => properties !== undefined) ?? here;
    const more: JsonSchema | boolean | undefined = here.additionalProperties;
    if (typeof part === 'number') here = here.items;
    else if (here.properties !== undefined && Object.hasOwn(here.properties, part)) {
      here = here.properties[part];
    } else here = typeof more === 'object' ? more : undefined;
  }
  return here;
}

function valueAt(value: unknown, at: KeyPath): unknown {
  return at.reduce<unknown>(
    (here, part) => (here as Record<string | number, unknown> | null | undefined)?.[part],
    value,
  );
}

function present(value: unknown, at: KeyPath): boolean {
  return valueAt(value, at) !== undefined;
}
