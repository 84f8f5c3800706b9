import { buildRouteMap } from '@stricli/core';
import { secretNewVerb } from './secret-new.ts';
import { secretRetireVerb } from './secret-retire.ts';
import { secretUrlVerb } from './secret-url.ts';

/** `pgwitness secret …` */
export const secretVerbs = buildRouteMap({
  routes: { new: secretNewVerb, retire: secretRetireVerb, url: secretUrlVerb },
  docs: { brief: 'Make, rotate and hand over the passwords of drains and the redaction key' },
});
