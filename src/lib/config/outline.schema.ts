// What the cross checks need of a document that may be faulty anywhere: nothing here refuses anything.

import * as z from 'zod';
import { parseHostName } from './document-strings.ts';

/** Stands where something was given that cannot be read: the schema says so, the cross checks keep quiet. */
export const UNREADABLE = false;

/** An object's own entries, whatever its keys are called; undefined for anything but an object. */
const entries = <T>(value: z.ZodType<T>) =>
  z
    .unknown()
    .transform((given): readonly (readonly [string, T])[] | undefined =>
      typeof given === 'object' && given !== null && !Array.isArray(given)
        ? Object.entries(given).map(([key, one]) => [key, value.parse(one)] as const)
        : undefined,
    );

const list = <T>(item: z.ZodType<T>) =>
  z
    .unknown()
    .transform((given): readonly T[] => (Array.isArray(given) ? given.map((one) => item.parse(one)) : []));

const text = z
  .union([z.string().min(1), z.literal(UNREADABLE)])
  .optional()
  .catch(UNREADABLE);

const hostName = z
  .string()
  .transform((given) => {
    const host = parseHostName(given);
    return host.ok ? host.value : UNREADABLE;
  })
  .catch(UNREADABLE);

const endpoint = z
  .union([z.string().toLowerCase(), z.literal(UNREADABLE)])
  .optional()
  .catch(UNREADABLE);

const Host = z
  .object({ host: hostName, endpoint, cdn: text })
  .or(z.string().transform((given) => ({ host: hostName.parse(given), endpoint: undefined, cdn: undefined })))
  .catch({ host: UNREADABLE, endpoint: undefined, cdn: UNREADABLE });

const Container = z.object({ account: text }).catch({ account: UNREADABLE });

const Site = z
  .object({ containers: list(Container), hosts: list(Host), cdn: text })
  .catch({ containers: [], hosts: [], cdn: UNREADABLE });

const Cdn = z.object({ provider: text, endpoint }).catch({ provider: UNREADABLE, endpoint: UNREADABLE });

export const Outline = z
  .object({
    cdns: entries(Cdn),
    defaults: z.object({ cdn: text }).optional().catch({ cdn: UNREADABLE }),
    sites: entries(Site),
  })
  .catch({ cdns: undefined, defaults: undefined, sites: undefined });

export type Outline = z.output<typeof Outline>;
