import type { SqlToken } from './sql-tokens.ts';

/**
 * What the place says of a name in double quotes: a table, a label, a column that is set (`name`); or
 * that one who quotes values wrongly would have a value there (`value`); or neither (`either`).
 */
type NamePlace = 'name' | 'value' | 'either';

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));
/** A table, a label or another object stands after these. */
const beforeNames = set(
  'as join into update table only index view schema column role user constraint sequence type function trigger exists',
);
/** Operands stand after these, and seldom a column that nothing else tells. */
const beforeValue = set(
  'like ilike between symmetric asymmetric in escape placing both leading trailing then else default limit offset',
);
const beforeValueList = set('values in any all some row array to');
const beginsQuery = set('select with insert update delete merge table');
/** Between two operands, as operators are. */
const betweenOperands = set('like ilike similar between in is not placing');
/** Between an operator and what is held against the other side. */
const beforeOperand = set(
  '( [ + - not distinct from to any all some array row symmetric asymmetric like ilike similar between in is',
);
/** An operand that is no column is held against one. */
const plainOperands = set(
  ') null true false unknown default current_date current_time current_timestamp localtime localtimestamp current_user session_user',
);
const operatorSigns = '=<>~!@#%^&|?*/+-`';
/** These reckon. All other operators compare, or join what somebody looks for: `'%' || "Joe"`. */
const arithmetic = set('+ - * /');

/** A pair of brackets that is open, or the statement itself. */
interface Level {
  /** What stands here is held against something, or stored. */
  readonly values: boolean;
  /** It is a query or the statement: only there FROM has tables. */
  readonly query: boolean;
  /** It is held against what may be a column. */
  readonly against: boolean;
  /** The list after SET: a column stands after each comma. */
  setting: boolean;
  /** BETWEEN has come, and not yet its AND. */
  between: boolean;
}

/**
 * The places of the names in a text that is SQL, by their index among its pieces; comments are not
 * among them. `texts` has the words in lower case and the symbols, '' for what else there is.
 */
export function namePlaces(
  tokens: readonly SqlToken[],
  texts: readonly string[],
): ReadonlyMap<number, NamePlace> {
  const places = new Map<number, NamePlace>();
  const text = (index: number) => texts[index] ?? '';
  const closing = closingBrackets(texts);
  const levels = [levelAt(false, true, false)];
  let here = levels[0] as Level;
  let closedValues = false;
  let andOfBetween = -1;
  for (let at = 0; at < tokens.length; at += 1) {
    const said = text(at);
    if (tokens[at]?.kind === 'name') places.set(at, placeOf(at));
    if (said === '(' || said === '[') {
      const query = beginsQuery.has(text(at + 1));
      here = levelAt(!query && opensValues(at), query, !query && bracketAgainst(at, here));
      levels.push(here);
    } else if (said === ')' || said === ']') {
      closedValues = here.values;
      if (levels.length > 1) levels.pop();
      here = levels.at(-1) as Level;
      continue;
    } else if (said === 'set') here.setting = true;
    else if (said === ';' || said === 'where' || said === 'returning') here.setting = false;
    else if (said === 'between') here.between = true;
    else if (said === 'and' && here.between) {
      here.between = false;
      andOfBetween = at;
    }
    if (said !== ',') closedValues = false;
  }
  return places;

  function placeOf(at: number): NamePlace {
    const before = text(at - 1);
    const after = text(at + 1);
    if (before === '.' || after === '.') return 'name';
    if (before === 'from') return isTableFrom(at - 1) ? 'name' : 'value';
    if (beforeNames.has(before)) return 'name';
    if (after === '(') return 'either';
    if (here.setting && after === '=' && (before === 'set' || before === ',')) return 'name';
    return here.values || here.against || valueAfter(at - 1) || comesBeforeColumn(at + 1, here)
      ? 'value'
      : 'either';
  }

  /** `trim(both from "x")`, `a is distinct from "x"`: there is no table. */
  function isTableFrom(at: number): boolean {
    return here.query && text(at - 1) !== 'distinct';
  }

  function valueAfter(at: number): boolean {
    const before = text(at);
    if (beforeValue.has(before)) return true;
    if (before === 'and') return at === andOfBetween;
    if (before === 'to') return text(at - 1) === 'similar';
    if (before === 'from') return !isTableFrom(at);
    if (before === 'for') return !here.query;
    if (!isSign(before)) return false;
    let first = at;
    while (isSign(text(first - 1)) && tokens[first - 1]?.end === tokens[first]?.start) first -= 1;
    if (first < at || !arithmetic.has(before)) return true;
    // A sign may stand before the value.
    return (before === '+' || before === '-') && valueAfter(at - 1);
  }

  function opensValues(at: number): boolean {
    const before = text(at - 1);
    if (here.values || beforeValueList.has(before) || valueAfter(at - 1)) return true;
    if (before === ',') return closedValues;
    if (before === 'from') return text(at - 2) === 'values';
    if (!isWord(at - 1) || before === 'insert') return false;
    // A function's brackets, whose name has maybe a schema.
    let first = at - 1;
    while (text(first - 1) === '.' && isWord(first - 2)) first -= 2;
    const verb = text(first - 1);
    if (verb === 'execute' || verb === 'call') return true;
    if (verb === 'function' || verb === 'procedure') return text(first - 2) === 'execute';
    return valueAfter(first - 1);
  }

  /** `("x", b) = (name, c)`, `lower("x") = name`: either side may hold the value. */
  function bracketAgainst(open: number, parent: Level): boolean {
    const end = closing.get(open);
    return parent.against || (end !== undefined && comesBeforeColumn(end + 1, parent));
  }

  function comesBeforeColumn(from: number, level: Level): boolean {
    let at = behindCasts(from);
    const operator = text(at);
    if (betweenOperands.has(operator) || (operator === 'from' && !level.query)) at += 1;
    else if (isSign(operator)) {
      if (arithmetic.has(operator) && tokens[at]?.end !== tokens[at + 1]?.start) return false;
      while (isSign(text(at))) at += 1;
    } else return false;
    while (beforeOperand.has(text(at)) || (isWord(at) && '(.'.includes(text(at + 1) || ' '))) {
      at += text(at + 1) === '.' && text(at + 3) !== '(' ? 2 : 1;
    }
    // What is cut off may be anything.
    if (at >= tokens.length) return true;
    // `interval '1 day'` is a literal.
    return isWord(at) && !plainOperands.has(text(at)) && tokens[at + 1]?.kind !== 'string';
  }

  /** Behind `::character varying(20)[]` and COLLATE. */
  function behindCasts(from: number): number {
    let at = from;
    while (text(at) === ':' || text(at) === 'collate') {
      at += text(at) === ':' ? 3 : 2;
      while (text(at) === '.') at += 2;
      if (text(at) === 'varying' || text(at) === 'precision') at += 1;
      while (text(at) === '(' || text(at) === '[') at = (closing.get(at) ?? tokens.length) + 1;
    }
    return at;
  }

  function isWord(index: number): boolean {
    return tokens[index]?.kind === 'word' || tokens[index]?.kind === 'name';
  }
}

function levelAt(values: boolean, query: boolean, against: boolean): Level {
  return { values, query, against, setting: false, between: false };
}

function isSign(text: string): boolean {
  return text !== '' && operatorSigns.includes(text);
}

/** By the index of each opening bracket. */
function closingBrackets(texts: readonly string[]): Map<number, number> {
  const closing = new Map<number, number>();
  const open: number[] = [];
  for (const [at, text] of texts.entries()) {
    if (text === '(' || text === '[') open.push(at);
    else if (text === ')' || text === ']') {
      const from = open.pop();
      if (from !== undefined) closing.set(from, at);
    }
  }
  return closing;
}
