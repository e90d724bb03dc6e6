// Storage of the histories keeps values, not their stored text: frozen, so that nobody changes them behind its back.

/** Freezes a value and all that it holds, gives it back. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
