import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import {
  ensureLambdaRic,
  lambdaRicPackages,
  missingRicPrograms,
} from '../../scripts/lambda-ric.mjs';
import { missingRgwPrograms, rgwPackages } from '../../scripts/rgw.mjs';
import { startS3Starter } from './s3-starter.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder with the programs of Debian's Postgres 15, pgaudit beside it; '' where it is missing. */
    postgres15: string;
    /** A Python that has Alembic and psycopg2; '' where it is missing. */
    alembicPython: string;
    /** Where test/rig/s3-world.ts asks for a real S3, Ceph's RGW; '' where its programs are missing. */
    s3: string;
    /** Whether Lambda's runtime client is there or can be built: `ensureLambdaRic` gives it. */
    lambdaRic: boolean;
  }
}

/** Real parts that only Debian has: under CI a missing one is installed, or the run fails. */
const parts = [
  {
    packages: ['postgresql-15', 'postgresql-15-pgaudit'],
    isPresent: () => existsSync('/usr/lib/postgresql/15/lib/pgaudit.so'),
  },
  {
    packages: ['python3-alembic', 'python3-psycopg2'],
    isPresent: () => existsSync('/usr/lib/python3/dist-packages/alembic/__init__.py'),
  },
  { packages: rgwPackages, isPresent: () => missingRgwPrograms().length === 0 },
  { packages: lambdaRicPackages, isPresent: () => missingRicPrograms().length === 0 },
];

/** Vitest runs what this gives back when all tests have ended. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const missing = parts.filter((part) => !part.isPresent());
  if (missing.length > 0 && process.env['CI'] === 'true') {
    const packages = missing.flatMap((part) => part.packages);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit', env });
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
      stdio: 'inherit',
      env,
    });
    for (const part of missing) {
      if (!part.isPresent())
        throw new Error(`${part.packages.join(', ')} did not bring what they should`);
    }
  } else if (missing.length > 0) {
    console.warn(
      `Suites that need ${missing.flatMap((part) => part.packages).join(', ')} will be skipped: install them with apt-get, or set CI=true to have it done.`,
    );
  }
  project.provide(
    'postgres15',
    existsSync('/usr/lib/postgresql/15/lib/pgaudit.so') ? '/usr/lib/postgresql/15/bin' : '',
  );
  project.provide(
    'alembicPython',
    existsSync('/usr/lib/python3/dist-packages/alembic/__init__.py') ? '/usr/bin/python3' : '',
  );
  const lambdaRic = missingRicPrograms().length === 0;
  project.provide('lambdaRic', lambdaRic);
  // Built beside the other tests; its own say why where it fails.
  const building = lambdaRic && process.env['CI'] === 'true' ? ensureLambdaRic() : undefined;
  const built = building?.catch(() => undefined);
  const starter = await startS3Starter();
  project.provide('s3', starter.url);
  return async () => {
    await starter.stop();
    await built;
  };
}
