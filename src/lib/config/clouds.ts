// Where each of Azure's clouds has its services. Sources: the cloud settings of Azure's own clients
// (Azure/bicep bicepconfig.json; AzureAuthorityHosts of @azure/identity).

export type Cloud = {
  /** Where Azure Resource Manager answers. */
  readonly armUrl: string;
  /** What its tokens are for. */
  readonly audience: string;
  /** What they were for once, and may still be. */
  readonly olderAudience: string;
  /** Where a login is made. */
  readonly authority: string;
  /** What the hosts of its storage accounts end with. */
  readonly storageSuffix: string;
};

export const CLOUD_NAMES = ['azure', 'azure-china'] as const;

export const CLOUDS: Readonly<Record<(typeof CLOUD_NAMES)[number], Cloud>> = {
  azure: {
    armUrl: 'https://management.azure.com',
    audience: 'https://management.azure.com',
    olderAudience: 'https://management.core.windows.net',
    authority: 'https://login.microsoftonline.com',
    storageSuffix: 'core.windows.net',
  },
  'azure-china': {
    armUrl: 'https://management.chinacloudapi.cn',
    audience: 'https://management.chinacloudapi.cn',
    olderAudience: 'https://management.core.chinacloudapi.cn',
    authority: 'https://login.chinacloudapi.cn',
    storageSuffix: 'core.chinacloudapi.cn',
  },
};
