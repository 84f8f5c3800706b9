import { showName } from '../capture/capture-names.ts';
import type { DigestCheck } from '../witness/check-digest.ts';
import type { WitnessJudgement } from '../witness/judge-witness.ts';
import type { Witness } from '../witness/witness-line.ts';

/** Whether a judgement is one that somebody has to look at. */
export function isSuspect(judgement: WitnessJudgement): boolean {
  if (judgement.verdict === 'true') {
    return judgement.history?.kind === 'altered' || judgement.history?.kind === 'gone';
  }
  return judgement.verdict !== 'unchecked';
}

/** What a witness line says, in a sentence or two for a person. `message` is the record's. */
export function showWitness(judgement: WitnessJudgement, message: string): string[] {
  switch (judgement.verdict) {
    case 'malformed':
      return [message, 'not the form of a witness line: cut off, or made by another hand'];
    case 'unchecked':
      return [`${tell(judgement.witness)} (code not checked)`];
    case 'forged':
      return [`${tell(judgement.witness)} (FORGED: the code is not of this line)`];
    case 'repeated':
      return [
        `${tell(judgement.witness)} (REPEATED: a true line, raised again by another function)`,
      ];
    case 'true': {
      const { witness, history } = judgement;
      return [
        `${tell(witness)} (code valid)`,
        ...(history === undefined ? [] : [`history: ${tellHistory(history, witness)}`]),
      ];
    }
  }
}

/** The parsed fields and the judgement, for `--json`; ids and transactions as decimal strings. */
export function witnessJson(judgement: WitnessJudgement): Readonly<Record<string, unknown>> {
  const { verdict } = judgement;
  const checked = { true: 'valid', repeated: 'valid', forged: 'forged' } as const;
  const code =
    verdict === 'malformed' || verdict === 'unchecked' ? 'not checked' : checked[verdict];
  if (judgement.verdict === 'malformed') return { verdict };
  const { line: _, code: _code, ...witness } = judgement.witness;
  const history = judgement.verdict === 'true' ? judgement.history : undefined;
  const fields = { ...witness, code, verdict, ...(history === undefined ? {} : { history }) };
  return JSON.parse(
    JSON.stringify(fields, (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  ) as Readonly<Record<string, unknown>>;
}

function tell(witness: Witness): string {
  const name = showName(witness.table.schema, witness.table.name);
  const what = [
    ...(witness.rows === undefined || witness.command === 'TRUNCATE' ? [] : [rowsOf(witness.rows)]),
    ...idsOf(witness),
    `transaction ${witness.xid}`,
    ...(witness.kind === 'captured' && BigInt(witness.sub) !== BigInt.asUintN(32, witness.xid)
      ? [`subtransaction ${witness.sub}`]
      : []),
  ].join(', ');
  const verb = witness.kind === 'history' ? `${witness.command} on history` : witness.command;
  return `${verb} ${name}: ${what}`;
}

function idsOf(witness: Witness): string[] {
  if (witness.kind === 'history' && witness.images !== undefined) {
    return [`ids ${witness.images.map(({ id }) => id).join(', ')}`];
  }
  const { firstId, lastId } = witness as { firstId?: bigint; lastId?: bigint };
  if (firstId === undefined) return [];
  return [firstId === lastId ? `id ${firstId}` : `ids ${firstId} to ${lastId}`];
}

function rowsOf(count: number): string {
  return count === 1 ? '1 row' : `${count} rows`;
}

function tellHistory(history: DigestCheck, witness: Witness): string {
  switch (history.kind) {
    case 'equal':
      return 'as it was captured';
    case 'changed-as-told':
      return `as it was captured, but for ${rowsOf(history.images)} changed since, as other lines tell`;
    case 'altered':
      return `ALTERED: ${rowsOf(history.found)} there of ${witness.rows}, and not as captured`;
    case 'rolled-back':
      return 'none, for the statement was rolled back';
    case 'in-progress':
      return 'none yet, for the transaction has not ended';
    case 'gone':
      return 'GONE: the statement was committed, and its rows are not there';
    case 'unknown':
      return `can't be known: ${history.why}`;
  }
}
