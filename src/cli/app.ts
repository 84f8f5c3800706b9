import { type Application, buildApplication, buildRouteMap, text_en } from '@stricli/core';
import type { Cli } from './context.ts';
import { exitCodeOf, reportError, reportUsage } from './report-error.ts';
import { baselineVerb } from './verbs/baseline.ts';
import { configVerbs } from './verbs/config.ts';
import { coverageVerb } from './verbs/coverage.ts';
import { demoVerb } from './verbs/demo.ts';
import { initVerb } from './verbs/init.ts';
import { installVerb } from './verbs/install.ts';
import { lambdaVerbs } from './verbs/lambda.ts';
import { planVerb } from './verbs/plan.ts';
import { pseudonymizeVerb } from './verbs/pseudonymize.ts';
import { receiveVerb } from './verbs/receive.ts';
import { redactVerbs } from './verbs/redact.ts';
import { secretVerbs } from './verbs/secret.ts';
import { shipVerb } from './verbs/ship.ts';
import { smokeVerb } from './verbs/smoke.ts';
import { trailVerb } from './verbs/trail.ts';
import { uninstallVerb } from './verbs/uninstall.ts';
import { versionVerb } from './verbs/version.ts';

const root = buildRouteMap({
  routes: {
    init: initVerb,
    config: configVerbs,
    plan: planVerb,
    install: installVerb,
    baseline: baselineVerb,
    uninstall: uninstallVerb,
    coverage: coverageVerb,
    receive: receiveVerb,
    ship: shipVerb,
    smoke: smokeVerb,
    pseudonymize: pseudonymizeVerb,
    trail: trailVerb,
    redact: redactVerbs,
    secret: secretVerbs,
    lambda: lambdaVerbs,
    demo: demoVerb,
    version: versionVerb,
  },
  docs: {
    brief: 'A trail of every data change on managed Postgres that the application cannot erase',
    fullDescription: [
      'A trail of every data change on managed Postgres that the application cannot erase.',
      'EXIT CODES\n  0  fine\n  1  a finding, or an error that is none of the others\n  2  usage or configuration\n  3  something could not be reached: a database, a port, an archive that is not\n     there or that this user may not read',
    ].join('\n\n'),
  },
});

/** The command, as it answers `args` (what stands behind `pgwitness`): an error names the help of their verb. */
export function createApp(args: readonly string[]): Application<Cli> {
  const help = helpFor(args);
  return buildApplication<Cli>(root, {
    name: 'pgwitness',
    versionInfo: {
      getCurrentVersion: async () => (await import('./version.ts')).packageVersion(),
    },
    scanner: {
      caseStyle: 'allow-kebab-for-camel',
      allowArgumentEscapeSequence: true,
      // Two slips of the keys. Stricli's own, git's, finds a likeness in any two short words.
      distanceOptions: {
        threshold: 2,
        weights: { insertion: 1, deletion: 1, substitution: 1, transposition: 1 },
      },
    },
    documentation: { caseStyle: 'convert-camel-to-kebab', useAliasInUsageLine: true },
    localization: {
      text: {
        ...text_en,
        exceptionWhileParsingArguments(error, color) {
          const told = text_en.exceptionWhileParsingArguments.call(this, error, false);
          return reportUsage(told, help, color);
        },
        noCommandRegisteredForInput: (given) =>
          reportUsage(
            text_en.noCommandRegisteredForInput({ ...given, ansiColor: false }),
            help,
            given.ansiColor,
          ),
        exceptionWhileRunningCommand: (error, color) => reportError(error, color),
        exceptionWhileLoadingCommandFunction: (error, color) => reportError(error, color),
      },
    },
    determineExitCode: exitCodeOf,
  });
}

/** `pgwitness config check --help` where `args` begin with the words of that verb. */
function helpFor(args: readonly string[]): string {
  const words = ['pgwitness'];
  let target: ReturnType<typeof root.getRoutingTargetForInput> = root;
  for (const arg of args) {
    if (!('getRoutingTargetForInput' in target)) break;
    target = target.getRoutingTargetForInput(arg);
    if (target === undefined) break;
    words.push(arg);
  }
  return [...words, '--help'].join(' ');
}
