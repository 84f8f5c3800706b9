export { PgwitnessError } from './error.ts';
export type { LogRecord, LossFact, RecordKind } from './logplex/record.ts';
export type { Archive, ArchiveObject, PutOutcome, Sink } from './sink/sink.ts';
