// The entry of an Azure Front Door profile (Standard or Premium) as an operator writes it.

import * as z from 'zod';
import { CLOUD_NAMES, CLOUDS } from './clouds.ts';
import { Guid, limitsUpTo, parsed, Timeouts } from './document-fields.ts';
import {
  isLoopback,
  parseAudience,
  parseAuthority,
  parseResourceGroup,
  parseResourceManagerUrl,
} from './document-strings.ts';

/** learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules */
const PROFILE = /^(?=.{1,260}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;
export const FRONT_DOOR_ENDPOINT = /^(?=.{1,46}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;
export const NO_FRONT_DOOR_ENDPOINT =
  'must be the name of a Front Door endpoint (letters, digits and -, at most 46), not its host name';

/** The most URLs in one request: learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits */
const MOST_URLS = 100;

const Identity = z.strictObject({
  kind: z.enum(['managed', 'login']).default('managed').meta({
    description:
      'managed: the managed identity of the app. login: what the package @azure/identity finds: AZURE_ settings of a client secret, or the login of a developer.',
  }),
  clientId: Guid.optional().meta({
    description: 'Client id of the user-assigned identity. Left out: the system-assigned one.',
  }),
});

const Profile = z.strictObject({
  provider: z.literal('azure-front-door').meta({ description: 'The kind of CDN.' }),
  subscription: Guid.meta({ description: 'Id of the subscription that the Front Door profile belongs to.' }),
  resourceGroup: parsed(parseResourceGroup).meta({
    description: 'The resource group of the profile.',
    pattern: String.raw`^[^\s/\\?#%]*[^\s/\\?#%.]$`,
    maxLength: 90,
  }),
  profile: z
    .string()
    .regex(PROFILE, { error: 'must be the name of a Front Door profile: letters, digits and -' })
    .meta({ description: 'Name of the Front Door profile, Standard or Premium.' }),
  endpoint: z
    .string()
    .regex(FRONT_DOOR_ENDPOINT, { error: NO_FRONT_DOOR_ENDPOINT })
    .toLowerCase()
    .optional()
    .meta({ description: 'Name of the endpoint of every host that names none.' }),
  cloud: z.enum(CLOUD_NAMES).default('azure').meta({
    description: 'The cloud that the profile is in: it says where the API is and who gives tokens.',
  }),
  armUrl: parsed(parseResourceManagerUrl).optional().meta({
    description:
      'Where Azure Resource Manager answers: https, or http on a loopback host. Default: by the cloud.',
    pattern: '^https?://[^?#]+$',
  }),
  audience: parsed(parseAudience)
    .optional()
    .meta({ description: 'What the tokens are for. Default: by the cloud.' }),
  authority: parsed(parseAuthority).optional().meta({
    description: 'Where a login is made, for the identity login. Default: by the cloud.',
    pattern: '^https://[^?#]+$',
  }),
  apiVersion: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}(?:-preview)?$/, { error: 'must be an API version such as 2024-09-01' })
    .default('2024-09-01')
    .meta({ description: 'Version of the API of Microsoft.Cdn.' }),
  identity: Identity.prefault({}).meta({ description: 'Who the app is to Azure.' }),
  limits: limitsUpTo(MOST_URLS),
  purgesInFlight: z.int().min(1).max(20).default(1).meta({
    description:
      'Purges of the profile that may be under way at once. Front Door does one after another, so more only make its queue longer.',
  }),
  timeouts: Timeouts,
});

export const AzureFrontDoor = Profile.refine(isSentWhereItIsFor, {
  path: ['audience'],
  error:
    'must be of the same host as armUrl, or of Azure Resource Manager where armUrl is: tokens go only to whom they are for',
});

/**
 * Whoever writes the document names the host that the tokens go to. It must not be theirs, with a token for all that
 * the identity may do elsewhere.
 */
function isSentWhereItIsFor({
  cloud,
  armUrl = CLOUDS[cloud].armUrl,
  audience = CLOUDS[cloud].audience,
}: z.output<typeof Profile>): boolean {
  const { host, hostname } = new URL(armUrl);
  if (isLoopback(hostname)) return true;
  const known = Object.values(CLOUDS).find((one) => `.${host}`.endsWith(`.${new URL(one.armUrl).host}`));
  const isFor = known === undefined ? [`https://${host}`] : [known.audience, known.olderAudience];
  return isFor.some((one) => new URL(one).host === new URL(audience).host);
}
