// A folder imports only from those above it in the flow. Each entry names all that a folder may
// import besides itself and the two files everything shares (src/error.ts, src/process-lock.ts).
const flow = {
  config: [],
  logplex: [],
  capture: [],
  init: ['config', 'capture'],
  sink: [],
  redact: ['logplex'],
  receive: ['logplex', 'redact', 'sink'],
  ship: ['logplex'],
  trail: ['logplex', 'sink'],
  witness: ['logplex', 'sink', 'trail', 'capture'],
  seal: ['logplex', 'sink'],
  hosts: ['config'],
  checks: [
    'config',
    'logplex',
    'redact',
    'sink',
    'receive',
    'trail',
    'witness',
    'seal',
    'hosts',
    'capture',
  ],
};
const shared = ['^src/(error|process-lock)\\.ts$'];

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src', pathNot: ['\\.test\\.ts$'] },
      to: {},
    },
    {
      name: 'not-to-test',
      severity: 'error',
      from: { path: '^src', pathNot: '\\.test\\.ts$' },
      to: { path: ['^test', '\\.test\\.ts$'] },
    },
    {
      name: 'no-dev-dep',
      severity: 'error',
      from: { path: '^src', pathNot: ['\\.test\\.ts$', '^src/demo/'] },
      to: { dependencyTypes: ['npm-dev'] },
    },
    {
      name: 'nothing-imports-the-top',
      severity: 'error',
      from: {
        path: '^src/(config|capture|init|logplex|redact|sink|receive|ship|trail|witness|seal|hosts|checks)/',
        pathNot: '\\.test\\.ts$',
      },
      to: { path: '^src/(cli|console|demo|watch)/' },
    },
    ...Object.entries(flow).map(([folder, may]) => ({
      name: `flow-${folder}`,
      severity: 'error',
      from: { path: `^src/${folder}/`, pathNot: '\\.test\\.ts$' },
      to: { path: '^src/', pathNot: [`^src/(${[folder, ...may].join('|')})/`, ...shared] },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};
