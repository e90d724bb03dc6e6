// Puts a mutant into the app: the text of one module is changed while Node loads it, the file stays as it is.

import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

import { err, ok, type Result } from '../../src/lib/core/result.ts';
import type { Mutant } from './mutants.ts';

/** Takes a module's text, gives it with the fault, or why the mutant does not fit it. */
export function mutate(source: string, { find, replace }: Mutant): Result<string, string> {
  const [before, after, ...more] = source.split(find);
  if (before === undefined || after === undefined) return err(`nowhere is there ${JSON.stringify(find)}`);
  if (more.length > 0) return err(`${more.length + 1} times there is ${JSON.stringify(find)}`);
  return ok(`${before}${replace}${after}`);
}

/**
 * From now on the module is loaded with the fault; it must not be loaded yet. Gives whether it was, or why the mutant
 * does not fit the module.
 */
export function loadMutated(mutant: Mutant): Result<{ readonly wasLoaded: () => boolean }, string> {
  const place = new URL(`../../${mutant.file}`, import.meta.url);
  const mutated = mutate(readFileSync(place, 'utf8'), mutant);
  if (!mutated.ok) return err(`the mutant does not fit ${mutant.file}: ${mutated.error}`);
  let isLoaded = false;
  registerHooks({
    load(url, context, nextLoad) {
      if (url !== place.href) return nextLoad(url, context);
      isLoaded = true;
      return { format: 'module-typescript', source: mutated.value, shortCircuit: true };
    },
  });
  return ok({ wasLoaded: () => isLoaded });
}
