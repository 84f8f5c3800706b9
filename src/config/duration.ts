const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** How a duration is written: `500ms`, `30s`, `15m`, `1h`, `7d`. */
export const durationShape = /^([1-9][0-9]{0,5})(ms|s|m|h|d)$/;

/** A duration as written to milliseconds; undefined where it is none. */
export function parseDuration(text: string): number | undefined {
  const match = durationShape.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * units[match[2] as keyof typeof units];
}
