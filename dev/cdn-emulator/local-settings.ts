// The CDN of the local stack: one subscription, an endpoint for the web site, a wildcard one for the rest.
import type * as z from 'zod';
import type { EmulatorSettings } from './settings.ts';

const subscription = '11112222-3333-4444-5555-666677778888';

export const localSettings: z.input<typeof EmulatorSettings> = {
  subscriptions: [subscription],
  endpoints: [
    { id: 'aaaabbbb-cccc-dddd-eeee-ffff00001111', subscription, customDomain: 'www.contoso.localhost' },
    { id: 'aaaabbbb-cccc-dddd-eeee-ffff00002222', subscription, customDomain: '*.contoso.localhost' },
  ],
  hosts: [
    { host: 'www.contoso.localhost', container: '$web', indexDocument: 'index.html' },
    { host: 'media.contoso.localhost', container: 'media' },
    { host: 'files.contoso.localhost', container: '*' },
  ],
};
