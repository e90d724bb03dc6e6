// The Front Door of the local stack: one profile, one endpoint, the hosts of the local site.
import type * as z from 'zod';
import type { EmulatorSettings } from './settings.ts';

const azurefdHost = 'contoso-a1b2c3d4e5f6g7h8.z01.azurefd.localhost';

export const localSettings: z.input<typeof EmulatorSettings> = {
  profiles: [
    {
      subscription: '22223333-4444-5555-6666-777788889999',
      resourceGroup: 'rg-local',
      name: 'afd-local',
      endpoints: [
        {
          name: 'contoso',
          hostName: azurefdHost,
          domains: ['www.contoso.localhost', 'media.contoso.localhost', 'files.contoso.localhost'],
        },
      ],
    },
  ],
  hosts: [
    { host: azurefdHost, container: '$web', indexDocument: 'index.html' },
    { host: 'www.contoso.localhost', container: '$web', indexDocument: 'index.html' },
    { host: 'media.contoso.localhost', container: 'media' },
    { host: 'files.contoso.localhost', container: '*' },
  ],
};
