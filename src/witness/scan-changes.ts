import { captureNames } from '../capture/capture-names.ts';
import type { Archive } from '../sink/sink.ts';
import { type ScanOptions, scanRecords } from '../trail/scan-records.ts';
import type { QualifiedName } from './qualified-name.ts';
import { isRaisedBy } from './raised-by.ts';
import { verifyCode } from './witness-key.ts';
import { type ImageChange, parseWitness } from './witness-line.ts';

/**
 * All changes of images that an archive's true witness lines tell in a span, oldest first, as a function
 * that gives those of a captured table. Holds them all: some 200 bytes each.
 */
export async function scanImageChanges(
  archive: Archive,
  span: Pick<ScanOptions, 'prefix' | 'since' | 'until' | 'lateMs' | 'signal'>,
  key: Uint8Array,
): Promise<(table: QualifiedName) => readonly ImageChange[]> {
  const found = new Map<string, ImageChange[]>();
  const keep = ({ kind }: { readonly kind: string }) => kind === 'witness';
  for await (const entry of scanRecords(archive, { ...span, keep })) {
    if (entry.type !== 'record') continue;
    const witness = parseWitness(entry.record);
    if (witness?.kind !== 'history' || witness.images === undefined) continue;
    if (!verifyCode(witness, key) || isRaisedBy(entry.record, witness) === false) continue;
    const name = keyOf(witness.table);
    const known = found.get(name);
    if (known === undefined) found.set(name, [...witness.images]);
    else known.push(...witness.images);
  }
  return (table) =>
    found.get(keyOf({ schema: table.schema, name: captureNames(table).history })) ?? [];
}

function keyOf({ schema, name }: QualifiedName): string {
  return JSON.stringify([schema, name]);
}
