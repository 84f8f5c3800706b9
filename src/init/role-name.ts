import { findSecrets } from '../config/find-secrets.ts';
import { wrongIdentifier } from '../config/table-name.ts';

/** Whether `pgwitness.yaml` takes a role of this name. */
export function canStand(role: string): boolean {
  return (
    wrongIdentifier(role) === undefined &&
    findSecrets(role).length === 0 &&
    // JavaScript gives it a meaning of its own.
    role !== '__proto__'
  );
}
