import { type Joint, textOf } from './message-joints.ts';
import {
  type ParsedPrefix,
  type PrefixReading,
  parseSection,
  type SectionLabel,
  sectionLabels,
} from './postgres-prefix.ts';

/** The primary text of a message, or one of the fields after it. */
export interface MessagePart {
  /** Undefined of the primary text. */
  readonly label: SectionLabel | undefined;
  /** Its joints: from this one up to `to`. */
  readonly from: number;
  readonly to: number;
  /** Without the prefix and the label. */
  readonly text: string;
}

export interface Sections {
  readonly parts: readonly [MessagePart, ...MessagePart[]];
  /** Where a field begins the text could also have been cut. */
  readonly doubtful: boolean;
  /** A field begins where no cut could be: the server wrote its prefix, and it is this one. */
  readonly confirmed: boolean;
}

/** The one reading of a message's prefix that holds, or undefined where none can be told from the other. */
export function chooseReading(
  prefix: ParsedPrefix,
  joints: readonly Joint[],
): { readonly reading: PrefixReading; readonly sections: Sections } | undefined {
  const all = prefix.readings.map((reading) => ({
    reading,
    sections: splitSections(reading, joints),
  }));
  // A field after the message repeats the prefix, and with it where the names in it end.
  return all.length === 1 ? all[0] : all.find((each) => each.sections.confirmed);
}

/**
 * The primary text and the fields after it, each of which begins a chunk and repeats the prefix.
 * With a `label` the first chunk begins that field, and what came before it is not there.
 */
export function splitSections(
  reading: Pick<PrefixReading, 'text' | 'messageAt'>,
  joints: readonly Joint[],
  first?: SectionLabel,
): Sections {
  const parts: MessagePart[] = [];
  let label = first;
  let from = 0;
  let doubtful = false;
  let confirmed = false;
  const close = (to: number) => {
    const whole = textOf(joints.slice(from, to));
    const text =
      from === 0 ? whole.slice(reading.messageAt) : parseSection(reading.text, whole)?.text;
    parts.push({ label, from, to, text: text ?? whole });
  };
  for (const [index, each] of joints.entries()) {
    if (!each.blank) continue;
    const section = beginsLike(reading.text, each.bytes)
      ? parseSection(reading.text, textOf(joints.slice(index, index + longestPrefix)))
      : undefined;
    if (section === undefined || !comesAfter(section.label, label)) {
      // A blank at the beginning joins, but Postgres would not have cut here: a transport did, or a
      // newline stood here within a name.
      if (!each.cut) doubtful = true;
      continue;
    }
    close(index);
    label = section.label;
    from = index;
    if (each.cut) doubtful = true;
    else confirmed = true;
  }
  close(joints.length);
  return { parts: parts as [MessagePart, ...MessagePart[]], doubtful, confirmed };
}

/** Spares most chunks of a wide statement the closer look: all of the prefixes begin with a word of their own. */
function beginsLike(prefix: string, bytes: Uint8Array): boolean {
  const word = ' database = '.length;
  return Buffer.from(bytes.subarray(0, word)).toString('latin1') === prefix.slice(0, word);
}

/** Chunks that a prefix may take: its three names may hold newlines. */
const longestPrefix = 8;

function comesAfter(label: SectionLabel, previous: SectionLabel | undefined): boolean {
  if (previous === undefined) return true;
  return sectionLabels.indexOf(label) > sectionLabels.indexOf(previous);
}
