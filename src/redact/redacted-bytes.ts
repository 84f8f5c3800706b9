/** What stands in the place of so many bytes of which nothing may be kept. */
export function redactedBytes(count: number): string {
  return `[redacted ${count} bytes]`;
}

const marker = /^\[redacted \d{1,8} bytes\]$/;
const longestMarker = 32;

/** Whether a text is what `redactedBytes` gives, and so holds nothing any more. */
export function isRedacted(text: string | Uint8Array): boolean {
  if (text.length > longestMarker) return false;
  return marker.test(typeof text === 'string' ? text : Buffer.from(text).toString('latin1'));
}
