// What the demo says and asks of each CDN: the story is the same.

import * as z from 'zod';

import type { LocalProvider } from '../local-settings.ts';
import { PURGE_SPEED } from '../stack.ts';
import type { SiteUrl } from './edge-client.ts';

/** An accepted purge, as the CDN has logged it. */
export type Purge = {
  readonly at: string;
  readonly correlationId: string;
  /** What it names: URLs, or paths of the domains that it lists. */
  readonly items: number;
  readonly names: (url: SiteUrl) => boolean;
};

export type DemoCdn = {
  readonly stackIs: string;
  /** What is not as it would be in Azure, told at the start. */
  readonly asides: readonly string[];
  readonly itemsAre: string;
  /** Settings by which the CDN refuses the app. */
  readonly broken: Readonly<Record<string, string>>;
  /** Of the emulator's list of accepted purges. */
  readonly purges: z.ZodType<readonly Purge[]>;
};

const ChinaPurges = z
  .array(
    z.looseObject({
      at: z.string(),
      files: z.array(z.string()),
      directories: z.array(z.string()),
      correlationId: z.string(),
    }),
  )
  .transform((purges) =>
    purges.map(({ at, correlationId, files, directories }): Purge => {
      const named = new Set(files.map(decodeURIComponent));
      return {
        at,
        correlationId,
        items: files.length + directories.length,
        names: ({ host, path }) => named.has(decodeURIComponent(`http://${host}${path}`)),
      };
    }),
  );

const FrontDoorPurges = z
  .array(
    z.looseObject({
      at: z.string(),
      domains: z.array(z.string()),
      paths: z.array(z.string()),
      correlationId: z.string(),
    }),
  )
  .transform((purges) =>
    purges.map(({ at, correlationId, domains, paths }): Purge => {
      // In any case: so Front Door reads them.
      const named = new Set(paths.map((path) => decodeURIComponent(path).toLowerCase()));
      return {
        at,
        correlationId,
        items: paths.length,
        names: ({ host, path }) =>
          domains.includes(host) && named.has(decodeURIComponent(path).toLowerCase()),
      };
    }),
  );

export const DEMO_CDNS: Readonly<Record<LocalProvider, DemoCdn>> = {
  'azure-china-cdn': {
    stackIs: 'Azurite, Event Grid, the Functions host, a CDN that checks signatures',
    asides: [],
    itemsAre: 'URLs purged',
    broken: { LOCAL_CDN_KEY_VALUE: 'not the key that the CDN knows' },
    purges: ChinaPurges,
  },
  'azure-front-door': {
    stackIs: 'Azurite, Event Grid, the Functions host, an Azure Front Door that checks tokens',
    asides: [
      `virtual time: a purge takes 2 minutes of Front Door's clock, which runs ${PURGE_SPEED} times as fast here`,
      'in Azure it takes 2 to 45 minutes, and stale copies are served until then',
    ],
    itemsAre: 'paths purged',
    broken: { IDENTITY_HEADER: 'not the header that the token endpoint knows' },
    purges: FrontDoorPurges,
  },
};
