import type { LogRecord } from '../logplex/record.ts';
import { type QualifiedName, readQualifiedName } from './qualified-name.ts';

export type WitnessCommand = 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE';

interface WitnessBase {
  /** The table as it was called when capture was installed; of a history change, the history table. */
  readonly table: QualifiedName;
  readonly command: WitnessCommand;
  /** The top-level transaction, with its epoch (`xid8`). */
  readonly xid: bigint;
  /** The text that the code is over: the message up to the comma before the code. */
  readonly line: string;
  /** 32 hex digits. */
  readonly code: string;
}

/** One statement on a captured table: which rows of history it left, and their digest. */
export interface CapturedStatement extends WitnessBase {
  readonly kind: 'captured';
  /** The (sub)transaction that the rows were written in, without epoch: rolled back, it never happened. */
  readonly sub: number;
  /** Rows of history; 0 of a TRUNCATE, which leaves one of no row. */
  readonly rows: number;
  /** The span of ids of these rows, in which other sessions' rows may stand too. */
  readonly firstId: bigint;
  readonly lastId: bigint;
  /** 32 hex digits over the rows' facts and images. */
  readonly digest: string;
}

/** One statement on a table that only grows, of which no history is kept. */
export interface AppendOnlyStatement extends WitnessBase {
  readonly kind: 'append-only';
  /** Absent of a TRUNCATE, as the digest is. */
  readonly rows?: number;
  readonly digest?: string;
}

/** Somebody changed a history table. */
export interface HistoryChange extends WitnessBase {
  readonly kind: 'history';
  /** Of an UPDATE (at most 16 a line) and a DELETE. */
  readonly rows?: number;
  /** Of a DELETE. */
  readonly firstId?: bigint;
  readonly lastId?: bigint;
  /** Of an UPDATE, in the order of the rows. */
  readonly images?: readonly ImageChange[];
}

/** The digest of one row's images before and after somebody changed them: 32 hex digits each. */
export interface ImageChange {
  readonly id: bigint;
  readonly before: string;
  readonly after: string;
}

export type Witness = CapturedStatement | AppendOnlyStatement | HistoryChange;

/** Two names of 63 bytes, quoted twice over, and 16 images fit into half of it. */
const longestMessage = 4_096;
const commands: readonly string[] = ['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'];
const whole = '(0|[1-9]\\d{0,19})';
const id = '(-?[1-9]\\d{0,18}|0)';
const digest = '([0-9a-f]{32})';
const facts = {
  captured: new RegExp(
    `^xid=${whole} sub=${whole} rows=${whole} ids=${id}-${id} digest=${digest}$`,
  ),
  appended: new RegExp(`^xid=${whole} rows=${whole} digest=${digest}$`),
  transaction: new RegExp(`^xid=${whole}$`),
  deleted: new RegExp(`^xid=${whole} rows=${whole} ids=${id}-${id}$`),
  updated: new RegExp(`^xid=${whole} rows=${whole} images=([^ ]+)$`),
  image: new RegExp(`^${id}:${digest}:${digest}$`),
};
const code = /^[0-9a-f]{32}$/;
const largestXid = 2n ** 64n - 1n;
const largestSub = 2n ** 32n - 1n;
const largestId = 2n ** 63n - 1n;
const mostImages = 16;

/**
 * What a record says that reads like a witness line; undefined where it has not that form. Any role can
 * raise such a text: nothing of it is true before `verifyCode` has said so.
 */
export function parseWitness(record: Pick<LogRecord, 'audit' | 'message'>): Witness | undefined {
  const { audit, message } = record;
  if (audit?.length !== 11 || message.length > longestMessage) return undefined;
  const [type, statement, part, category, command = '', objectType, object = '', ...rest] = audit;
  const [text, parameter, told = '', ending = ''] = rest;
  const line = message.slice(0, -(ending.length + 1));
  if (type !== 'WITNESS' || part !== '1' || objectType !== 'TABLE') return undefined;
  if (text !== '<none>' || parameter !== '<none>' || !code.test(ending)) return undefined;
  if (!commands.includes(command) || message !== `${line},${ending}`) return undefined;
  const table = readQualifiedName(object);
  if (table === undefined || table.rest !== '') return undefined;
  const base = { table: table.name, command: command as WitnessCommand, line, code: ending };
  const witness =
    category === 'WRITE'
      ? (captured(base, told) ?? appended(base, told))
      : category === 'MISC'
        ? changed(base, told)
        : undefined;
  if (witness === undefined || witness.xid > largestXid) return undefined;
  const number = witness.kind === 'captured' ? witness.firstId : witness.xid;
  return statement === String(number) ? witness : undefined;
}

type Base = Omit<WitnessBase, 'xid'>;

function captured(base: Base, told: string): CapturedStatement | undefined {
  const [, xid, sub, rows, first, last, sum] = facts.captured.exec(told) ?? [];
  if (xid === undefined || sub === undefined || sum === undefined) return undefined;
  const span = spanOf(first, last);
  const count = countOf(rows);
  if (span === undefined || count === undefined || BigInt(sub) > largestSub) return undefined;
  const places = span.lastId - span.firstId + 1n;
  const fits =
    base.command === 'TRUNCATE'
      ? count === 0 && places === 1n
      : count > 0 && BigInt(count) <= places;
  if (!fits) return undefined;
  return {
    ...{ kind: 'captured', ...base, xid: BigInt(xid), sub: Number(sub), rows: count, ...span },
    digest: sum,
  };
}

function appended(base: Base, told: string): AppendOnlyStatement | undefined {
  if (base.command === 'TRUNCATE') {
    const xid = facts.transaction.exec(told)?.[1];
    return xid === undefined ? undefined : { kind: 'append-only', ...base, xid: BigInt(xid) };
  }
  const [, xid, rows, sum] = facts.appended.exec(told) ?? [];
  const count = countOf(rows);
  if (xid === undefined || sum === undefined || count === undefined || count === 0) {
    return undefined;
  }
  return { kind: 'append-only', ...base, xid: BigInt(xid), rows: count, digest: sum };
}

function changed(base: Base, told: string): HistoryChange | undefined {
  const kind = 'history';
  if (base.command === 'INSERT' || base.command === 'TRUNCATE') {
    const xid = facts.transaction.exec(told)?.[1];
    return xid === undefined ? undefined : { kind, ...base, xid: BigInt(xid) };
  }
  if (base.command === 'DELETE') {
    const [, xid, rows, first, last] = facts.deleted.exec(told) ?? [];
    const count = countOf(rows);
    const span = spanOf(first, last);
    if (xid === undefined || count === undefined || span === undefined) return undefined;
    return { kind, ...base, xid: BigInt(xid), rows: count, ...span };
  }
  const [, xid, rows, list] = facts.updated.exec(told) ?? [];
  const images = list?.split(';').map(imageOf) ?? [];
  const known = images.filter((image) => image !== undefined);
  const right = known.length === images.length && images.length <= mostImages;
  if (xid === undefined || !right || countOf(rows) !== images.length) return undefined;
  return { kind, ...base, xid: BigInt(xid), rows: images.length, images: known };
}

function imageOf(text: string): ImageChange | undefined {
  const [, number, before, after] = facts.image.exec(text) ?? [];
  const id = idOf(number);
  if (id === undefined || before === undefined || after === undefined) return undefined;
  return { id, before, after };
}

function spanOf(
  first: string | undefined,
  last: string | undefined,
): { readonly firstId: bigint; readonly lastId: bigint } | undefined {
  const [firstId, lastId] = [idOf(first), idOf(last)];
  if (firstId === undefined || lastId === undefined || firstId > lastId) return undefined;
  return { firstId, lastId };
}

function idOf(text: string | undefined): bigint | undefined {
  const id = text === undefined ? undefined : BigInt(text);
  return id === undefined || id > largestId ? undefined : id;
}

function countOf(text: string | undefined): number | undefined {
  const count = Number(text);
  return Number.isSafeInteger(count) ? count : undefined;
}
