const token = /^pgw:[0-9a-f]{32}$/;
/** What a value becomes that the text ends within (see `SqlScanner`). */
const cut = '[cut]';

/** Whether a value has been redacted already: redacted again, it stays. */
export function isValueToken(value: string): boolean {
  return value === cut || token.test(value);
}
