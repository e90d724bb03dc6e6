// The host's keys, and which of them open what.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { HostStartError, messageOf } from './host-start-error.ts';
import type { AuthLevel } from './function-definition.ts';

/** Key values; they are never logged, nor part of the ready line. */
export type HostKeys = z.infer<typeof HostKeys>;
export const HostKeys = z.strictObject({
  /** Opens everything, `/admin` included. */
  master: z.string().min(1),
  /** The host's default function key: opens every function of level `function`. */
  default: z.string().min(1),
  /** The system key `eventgrid_extension`. */
  eventgrid: z.string().min(1),
  /** Function keys, by function name. */
  functions: z.record(z.string(), z.string().min(1)).default({}),
});

export interface Doorkeeper {
  /** May a caller with this key run the function? */
  opensFunction(functionName: string, level: AuthLevel, key: string | undefined): boolean;
  opensEventGrid(key: string | undefined): boolean;
  opensAdmin(key: string | undefined): boolean;
}

export function createDoorkeeper(keys: HostKeys): Doorkeeper {
  const ownKeys = new Map(Object.entries(keys.functions));
  return {
    opensFunction: (functionName, level, key) => {
      switch (level) {
        case 'anonymous':
          return true;
        case 'function':
          return isOneOf(key, [keys.default, ownKeys.get(functionName), keys.master]);
        case 'admin':
          return isOneOf(key, [keys.master]);
      }
    },
    opensEventGrid: (key) => isOneOf(key, [keys.eventgrid, keys.master]),
    opensAdmin: (key) => isOneOf(key, [keys.master]),
  };
}

/**
 * Reads the keys that the parent process gave as JSON, or makes random ones.
 *
 * @throws HostStartError that names what is wrong, never a key.
 */
export function parseHostKeys(json: string | undefined): HostKeys {
  if (json === undefined || json === '') {
    return { master: makeKey(), default: makeKey(), eventgrid: makeKey(), functions: {} };
  }
  try {
    const parsed = HostKeys.safeParse(JSON.parse(json));
    if (parsed.success) return parsed.data;
    throw new Error(z.prettifyError(parsed.error));
  } catch (error) {
    // JSON.parse quotes its input, which here holds keys.
    const problem = error instanceof SyntaxError ? 'It is not JSON.' : messageOf(error);
    throw new HostStartError(`The host's keys (FUNCTIONS_HOST_KEYS) are not valid. ${problem}`);
  }
}

function makeKey(): string {
  return randomBytes(32).toString('base64url');
}

/** Compares digests in constant time, so that neither a key's length nor its beginning can be found by timing. */
function isOneOf(key: string | undefined, allowed: readonly (string | undefined)[]): boolean {
  if (key === undefined || key === '') return false;
  const given = digest(key);
  const equal = allowed.map((one) => one !== undefined && timingSafeEqual(digest(one), given));
  return equal.includes(true);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
