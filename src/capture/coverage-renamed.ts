import { type CaptureNames, showName } from './capture-names.ts';
import { type Gap, gap, note } from './coverage-gap.ts';
import { type RenamedTable, renamedFix } from './renamed-table.ts';

/** A configured table that is captured, and has another name now. */
export function renamedGap(names: CaptureNames, now: RenamedTable): Gap {
  const shown = showName(names.schema, names.table);
  const history = showName(names.schema, names.history);
  const text = `${shown} is called ${showName(now.schema, now.name)} now.`;
  const todo = renamedFix(names, now);
  if (now.whole) {
    const more = `It is captured as exactly, into ${history}, in a slower form. Until the names agree, install does nothing for any table.`;
    return note('relation.renamed', shown, `${text} ${more}`, todo);
  }
  const more = `Of the triggers that write into ${history} some are missing or don’t fire: not all that is written to it is captured.`;
  return gap('relation.renamed', shown, `${text} ${more}`, todo);
}

/** The configuration has the new name already, and install has not run since. */
export function formerGap(shown: string, names: CaptureNames, former: CaptureNames): Gap {
  const text = `${shown} is still captured as ${showName(former.schema, former.table)}, into ${showName(former.schema, former.history)}. Whether by all triggers is not looked at.`;
  const todo = `Run \`pgwitness install\`: it goes on in ${showName(names.schema, names.history)}, and the history so far stays where it is.`;
  return note('relation.renamed', shown, text, todo);
}

/** It has triggers of two names. */
export function twiceGap(shown: string, former: CaptureNames): Gap {
  const text = `What is written to ${shown} is captured twice, into ${showName(former.schema, former.history)} too: it still has triggers from when it was captured as ${showName(former.schema, former.table)}.`;
  const todo = 'Run `pgwitness install`: it takes them off. The history there stays.';
  return gap('table.captured-twice', shown, text, todo);
}
