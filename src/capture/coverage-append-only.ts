import { type Gap, gap, runInstall } from './coverage-gap.ts';
import type { TableLook } from './coverage-look.ts';

/** Guards and witnesses that are missing or switched off, on the table or on a partition of it. */
export function appendOnlyGaps({ shown, objects }: TableLook): Gap[] {
  return objects.flatMap(({ kind, name, action, why }) => {
    if (action !== 'create' && action !== 'change') return [];
    const told =
      action === 'create' ? `${name} is missing` : `${name}: ${why ?? 'is not as it has to be'}`;
    if (kind === 'guard') {
      const text = `${told}. Rows can be changed or deleted there by whoever holds the privilege to.`;
      return [gap('guard.broken', shown, text, runInstall)];
    }
    if (kind === 'trigger' || kind === 'function') {
      const text = `${told}. What is written there leaves no witness line, and there is no history to tell it.`;
      return [gap('witness.broken', shown, text, runInstall)];
    }
    return [];
  });
}
