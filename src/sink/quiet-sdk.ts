/**
 * To be called before a part of AWS's SDK is used: by its documented switch, it no longer writes of
 * Node 20's age to stderr, amid a verb's own output. Who has set the switch keeps it.
 */
export function quietSdk(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
}

const silence = () => undefined;
/** A logger for the SDK, which writes to the console where it is given none. */
export const quietLogger = {
  trace: silence,
  debug: silence,
  info: silence,
  warn: silence,
  error: silence,
};
