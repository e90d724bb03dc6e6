// Hooks: the contexts that they are handed, and running them in order.
import type { HookCallback } from './core-contract.ts';

/** Where hooks share what they like; one object an invocation, and one for the whole app. */
export type HookData = Record<string, unknown>;

/** Runs the hooks one after the other, in the order of their registration. Rejects with the first that throws. */
export async function runHooks(hooks: readonly HookCallback[], context: object): Promise<void> {
  for (const hook of hooks) await hook(context);
}

/** A context of which hooks may change some members (`changeable`) and must not replace others (`fixed`). */
export function createHookContext<Fixed extends object, Changeable extends object>(
  fixed: Fixed,
  changeable: Changeable,
): Readonly<Fixed> & Changeable {
  const context = { ...fixed, ...changeable };
  for (const [name, value] of Object.entries(fixed)) {
    Object.defineProperty(context, name, {
      enumerable: true,
      get: () => value,
      set: () => {
        throw new TypeError(`Cannot assign to "${name}" of a hook's context because it is read-only.`);
      },
    });
  }
  return context;
}
