export type { Redactor } from '../redact/redactor.ts';
