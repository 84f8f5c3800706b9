// `npm run build:lambda`: the zips for AWS Lambda, into dist/lambda. The same sources give the same
// bytes. pgwitness-lambda.zip stores frames as they came; pgwitness-lambda-redact.zip can redact them
// and holds Postgres's grammar for it.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled, root } from './bootstrap.mjs';

/**
 * All that may stand in the zips besides this project. Another package is not wrong for being here:
 * each costs every cold start, so it comes in only on purpose.
 */
const allowed = /^(@smithy\/(signature-v4|core|types)|libpg-query)$/;

/** `index.handler` is what Lambda is told; the redactor is loaded where settings ask for it. */
const entries = { index: 'src/lambda.ts', redactor: 'src/redact/redactor.ts' };

/** Builds both zips; returns each with its size in bytes and its sha256. */
export async function buildLambda(folder = join(root, 'dist/lambda')) {
  // Not before they are installed.
  const { zipSync } = await import('fflate');
  const [index, redactor] = await Promise.all([bundle('index'), bundle('redactor')]);
  const grammar = readFileSync(join(root, 'node_modules/libpg-query/wasm/libpg-query.wasm'));
  mkdirSync(folder, { recursive: true });
  return [
    write('pgwitness-lambda.zip', {
      'LICENSES.txt': licences(index.packages),
      'index.mjs': index.code,
    }),
    write('pgwitness-lambda-redact.zip', {
      'LICENSES.txt': licences([...index.packages, ...redactor.packages]),
      'index.mjs': index.code,
      'libpg-query.wasm': grammar,
      'redactor.mjs': redactor.code,
    }),
  ];

  function write(name, files) {
    // Zip keeps local time: the same words on any machine.
    const mtime = new Date(1980, 0, 2, 12);
    // A regular file that everybody may read: Lambda runs as another user than it unpacks.
    const entry = { mtime, os: 3, attrs: (0o100644 << 16) >>> 0, level: 9 };
    const bytes = zipSync(
      Object.fromEntries(Object.entries(files).map(([file, content]) => [file, [content, entry]])),
    );
    // Renamed into place: who unpacks it meanwhile reads the one or the other.
    const path = join(folder, name);
    writeFileSync(`${path}.${process.pid}`, bytes);
    renameSync(`${path}.${process.pid}`, path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { path, bytes: bytes.length, sha256, files: Object.keys(files) };
  }
}

/** One entry as one file, with the names of the packages that some of it comes from. */
async function bundle(name) {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { [name]: entries[name] },
    outdir: 'out',
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    // Of a package that has both, its ES modules: what is not used of them falls away.
    mainFields: ['module', 'main'],
    // Lambda runs 22 and 24; the tests run it on the oldest that pgwitness takes.
    target: 'node20.19',
    // Names stay: a log tells by them where an error came from.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // The grammar's module is CommonJS.
    ...(name === 'redactor' && { banner: { js: commonJsInModule } }),
    plugins: [redactorApart],
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const packages = inputs
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
    .filter((each) => each !== undefined);
  const strangers = packages.filter((each) => !allowed.test(each));
  if (strangers.length > 0) {
    throw new Error(
      `the Lambda bundle would hold ${[...new Set(strangers)].join(', ')}: look for the import that brings it`,
    );
  }
  return { code: outputFiles[0].contents, packages };
}

const commonJsInModule = [
  "import { createRequire } from 'node:module';",
  'const require = createRequire(import.meta.url), __dirname = import.meta.dirname;',
].join('');

/** What is loaded later is a file of its own, which the zip without grammar lacks. */
const redactorApart = {
  name: 'redactor-apart',
  setup({ onResolve }) {
    onResolve({ filter: /\/redact\/redactor\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './redactor.mjs', external: true } : undefined,
    );
  },
};

/** Whose work is in the zips, with the terms that ask to be passed on. */
function licences(packages) {
  const manifests = [...new Set(packages)].sort().map((name) => manifest(name));
  const parts = [join(root, 'package.json'), ...manifests].map((file) => {
    const { name, version, license } = JSON.parse(readFileSync(file, 'utf8'));
    const found = readdirSync(dirname(file)).filter((each) => /^(licen[cs]e|notice)/i.test(each));
    const texts = found
      .sort()
      .map((each) => readFileSync(join(dirname(file), each), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...texts].join('\n\n');
  });
  return Buffer.from(`${parts.join(`\n\n${'-'.repeat(72)}\n\n`)}\n`);
}

function manifest(name) {
  const file = join(root, 'node_modules', name, 'package.json');
  if (!existsSync(file)) throw new Error(`${name} is bundled, and is not in node_modules itself`);
  return file;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  ensureInstalled();
  const { values } = parseArgs({ options: { out: { type: 'string' } } });
  for (const { path, bytes, sha256, files } of await buildLambda(values.out)) {
    console.log(
      `${path}\n  ${(bytes / 1000).toFixed(0)} KB, sha256 ${sha256}\n  ${files.join(', ')}`,
    );
  }
}
