import type { JsonChunk } from '../logplex/json-chunk.ts';
import type { MessagePiece } from '../logplex/message-joints.ts';
import type { PostgresChunk } from '../logplex/postgres-line.ts';
import type { SyslogLine } from '../logplex/syslog-line.ts';
import { redactJsonChunks } from './redact-json-chunks.ts';
import { redactChunks, redactMessage } from './redact-message.ts';
import type { RedactionTools } from './redact-statement.ts';

/** A line's place in the frame; `text` becomes what the line says after its header. */
export interface LinePlace {
  text: Uint8Array;
}

interface Group<C extends MessagePiece> {
  /** Each number once. */
  readonly chunks: Map<number, C>;
  /** Each line, also those that came twice. */
  readonly lines: { readonly chunk: C; readonly head: Uint8Array; readonly place: LinePlace }[];
  /** Two chunks of one number differ: they are of two messages, and whose the others are can't be told. */
  contested: boolean;
}

/** The messages of a frame that come in chunks, put together as a reader of the archive does. */
export class MessageGroups {
  readonly #postgres = new Map<string, Group<PostgresChunk>>();
  readonly #json = new Map<string, Group<JsonChunk>>();

  addPostgres(line: SyslogLine, chunk: PostgresChunk, place: LinePlace): void {
    const key = JSON.stringify([line.host, line.procid, chunk.colour, chunk.number]);
    const head = line.message.subarray(0, line.message.length - chunk.bytes.length);
    add(this.#postgres, key, { chunk, head, place });
  }

  addJson(line: SyslogLine, chunk: JsonChunk, place: LinePlace): void {
    const key = JSON.stringify([line.host, line.procid, chunk.id, chunk.total]);
    add(this.#json, key, { chunk, head: nothing, place });
  }

  /**
   * Fills the places, one message at each step. Tokens are longer than most values: from the message
   * on with which all of them would take more than `mostBytes`, messages that do not fit go whole.
   */
  *redact(tools: RedactionTools, mostBytes: number): Generator<void> {
    const room = { left: mostBytes };
    for (const group of this.#postgres.values()) {
      redactGroup(group, room, (pieces) => redactMessage(pieces, tools), redactChunks, withHead);
      yield;
    }
    for (const group of this.#json.values()) {
      const asLine = (_: Uint8Array, message: Uint8Array) => message;
      const redact = (given: RedactionTools | undefined) => (chunks: readonly JsonChunk[]) =>
        redactJsonChunks(chunks, given);
      redactGroup(group, room, redact(tools), redact(undefined), asLine);
      yield;
    }
  }
}

const nothing = new Uint8Array();
const space = 0x20;

function add<C extends MessagePiece>(
  groups: Map<string, Group<C>>,
  key: string,
  line: Group<C>['lines'][number],
): void {
  let group = groups.get(key);
  if (group === undefined) {
    group = { chunks: new Map(), lines: [], contested: false };
    groups.set(key, group);
  }
  const { index, bytes } = line.chunk;
  const known = group.chunks.get(index);
  if (known === undefined) group.chunks.set(index, line.chunk);
  else if (Buffer.compare(known.bytes, bytes) !== 0) group.contested = true;
  group.lines.push(line);
}

/** `known` redacts the message, and `unknown` chunks of which nothing is known; both in the order given. */
function redactGroup<C extends MessagePiece>(
  { chunks, lines, contested }: Group<C>,
  room: { left: number },
  known: (chunks: readonly C[]) => readonly Uint8Array[],
  unknown: (chunks: readonly C[]) => readonly Uint8Array[],
  text: (head: Uint8Array, bytes: Uint8Array) => Uint8Array,
): void {
  const inOrder = [...chunks.values()].sort((a, b) => a.index - b.index);
  const read = contested ? undefined : attempt(() => known(inOrder));
  const bytes = read?.reduce((sum, text) => sum + text.length, 0) ?? 0;
  const texts = bytes <= room.left ? read : undefined;
  room.left -= texts === undefined ? 0 : bytes;
  const byIndex = new Map(inOrder.map(({ index }, at) => [index, texts?.[at]]));
  for (const { chunk, head, place } of lines) {
    place.text = text(head, byIndex.get(chunk.index) ?? unknown([chunk])[0] ?? nothing);
  }
}

/** Undefined where it fails: a fault in here costs a message its text, and no more. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** `[YELLOW] [12-2] ` before what the chunk says; a blank chunk has no blank behind its head. */
function withHead(head: Uint8Array, bytes: Uint8Array): Uint8Array {
  const apart = bytes.length > 0 && head.at(-1) !== space;
  return Buffer.concat(apart ? [head, Buffer.of(space), bytes] : [head, bytes]);
}
