/** Lines that were part of a value are blank behind its token, and before the quote that ends it. */
const token = /^pgw:[0-9a-f]{32}\n*$/;
/** What a value becomes that the text ends within (see `SqlScanner`). */
const cut = '[cut]';

/** Whether a value has been redacted already: redacted again, it stays. */
export function isValueToken(value: string): boolean {
  return value === cut || token.test(value);
}
