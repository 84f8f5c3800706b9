/** How to reach a server, and what made it. */
export interface RgwServer {
  readonly endpoint: string;
  readonly region: string;
  /** Of the account that owns all buckets. */
  readonly adminKey: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** ceph.conf, for radosgw-admin. */
  readonly config: string;
  readonly folder: string;
}
export const rgwPackages: readonly string[];
export function missingRgwPrograms(env?: NodeJS.ProcessEnv): string[];
export function rgwOf(folder: string): Promise<RgwServer | undefined>;
export function isRgwUp(folder: string): Promise<boolean>;
export function startRgw(options: {
  readonly folder: string;
  readonly port?: number;
  readonly dieWithParent?: boolean;
  readonly lifecycleDaySeconds?: number;
}): Promise<RgwServer>;
export function stopRgw(
  folder: string,
  options?: { readonly purge?: boolean },
): Promise<{ readonly name: string; readonly pid: number }[]>;
