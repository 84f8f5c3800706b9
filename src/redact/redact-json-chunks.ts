import { formatJsonChunk, type JsonChunk } from '../logplex/json-chunk.ts';
import { redactJson } from './redact-json.ts';
import type { RedactionTools } from './redact-statement.ts';
import { isRedacted, redactedBytes } from './redacted-bytes.ts';

/**
 * How many chunks a line has of which some are in another frame: what is known of it in one frame is
 * not all, so no reader may take it for whole, though each of its chunks be there.
 */
const untold = 9_999_999;

/**
 * The MSG parts of the chunks of one line of jsonlog, which come in order, each index once. Where all are
 * there the line is redacted as one and cut anew into as many. Else this is done with what came
 * without a gap from its beginning, every other chunk goes whole, and none says any more how many
 * there are. Without `tools` nothing is known of the chunks but their numbers.
 */
export function redactJsonChunks(
  chunks: readonly JsonChunk[],
  tools: RedactionTools | undefined,
): Uint8Array[] {
  const gap = chunks.findIndex(({ index }, at) => index !== at + 1);
  const head = gap === -1 ? chunks : chunks.slice(0, gap);
  const complete = tools !== undefined && head.length === chunks[0]?.total;
  const bytes = Buffer.concat(head.map((chunk) => chunk.bytes));
  const redacted =
    tools === undefined || head.length === 0 ? undefined : redactJson(bytes, !complete, tools);
  return chunks.map((chunk, at) =>
    formatJsonChunk({
      ...chunk,
      total: complete ? chunk.total : untold,
      bytes:
        redacted !== undefined && at < head.length
          ? slice(redacted, at, head.length)
          : wholeChunk(chunk.bytes),
    }),
  );
}

/** The part at `index` of so many, all about as long. */
function slice(bytes: Uint8Array, index: number, count: number): Uint8Array {
  const length = Math.ceil(bytes.length / count);
  return bytes.subarray(index * length, (index + 1) * length);
}

function wholeChunk(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0 || isRedacted(bytes)) return bytes;
  return Buffer.from(redactedBytes(bytes.length), 'latin1');
}
