// `npm start`: install, build, then the demo; what follows `--` goes to it.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt, ensureInstalled, root } from './bootstrap.mjs';

ensureInstalled();
ensureBuilt();
const main = join(root, 'dist/cli/main.js');
process.argv = [process.execPath, main, 'demo', ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
