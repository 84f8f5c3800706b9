import { z } from 'zod';
import { type FrameMeta, longestText } from './frame-object.ts';

const text = z.string().max(longestText);
const whole = z.number().int().nonnegative();
/** Loose, so that a later version may add to it. */
const frameMetaSchema = z.looseObject({
  version: z.literal(1),
  id: text.optional(),
  token: text.optional(),
  count: whole.optional(),
  lines: whole,
  faults: whole,
  losses: z.array(z.object({ code: text, count: whole, since: text })),
  lossesTold: whole,
  messagesLost: whole,
  receivedAt: whole,
  encoding: text.optional(),
  redacted: z.literal(true).optional(),
  bytes: whole,
  packed: whole,
});

/** The facts of a frame, from the JSON in its member's header; undefined for what is none of ours. */
export function parseFrameMeta(bytes: Buffer): FrameMeta | undefined {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = frameMetaSchema.safeParse(json);
  return parsed.success ? parsed.data : undefined;
}
