import { buildApplication, buildRouteMap, text_en } from '@stricli/core';
import { exitCodeOf, reportError } from './report-error.ts';
import { configVerbs } from './verbs/config.ts';
import { demoVerb } from './verbs/demo.ts';
import { installVerb } from './verbs/install.ts';
import { planVerb } from './verbs/plan.ts';
import { receiveVerb } from './verbs/receive.ts';
import { shipVerb } from './verbs/ship.ts';
import { smokeVerb } from './verbs/smoke.ts';
import { trailVerb } from './verbs/trail.ts';
import { uninstallVerb } from './verbs/uninstall.ts';
import { versionVerb } from './verbs/version.ts';

const root = buildRouteMap({
  routes: {
    config: configVerbs,
    plan: planVerb,
    install: installVerb,
    uninstall: uninstallVerb,
    receive: receiveVerb,
    ship: shipVerb,
    smoke: smokeVerb,
    trail: trailVerb,
    demo: demoVerb,
    version: versionVerb,
  },
  docs: {
    brief: 'A trail of every data change on managed Postgres that the application cannot erase',
    fullDescription: [
      'A trail of every data change on managed Postgres that the application cannot erase.',
      'EXIT CODES\n  0  fine\n  1  a finding, or an error that is none of the others\n  2  usage or configuration\n  3  something could not be reached',
    ].join('\n\n'),
  },
});

export const app = buildApplication(root, {
  name: 'pgwitness',
  scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
  documentation: { caseStyle: 'convert-camel-to-kebab', useAliasInUsageLine: true },
  localization: {
    text: {
      ...text_en,
      exceptionWhileRunningCommand: (error, color) => reportError(error, color),
      exceptionWhileLoadingCommandFunction: (error, color) => reportError(error, color),
    },
  },
  determineExitCode: exitCodeOf,
});
