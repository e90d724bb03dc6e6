// The local storage account: the name and key that Azurite and every Azure Storage SDK know by heart.

/** Not a secret: https://learn.microsoft.com/azure/storage/common/storage-connect-azurite#well-known-storage-account-and-key */
export const localAccount = {
  name: 'devstoreaccount1',
  key: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
} as const;

/** The account as an Azure resource: `topic` (Event Grid schema) or `source` (CloudEvents) of its events. */
export const localTopic =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/Microsoft.Storage/storageAccounts/devstoreaccount1';

/** A connection string of the local account; the URLs end with the account's name. */
export function localConnectionString(blobUrl: string, queueUrl: string): string {
  return [
    'DefaultEndpointsProtocol=http',
    `AccountName=${localAccount.name}`,
    `AccountKey=${localAccount.key}`,
    `BlobEndpoint=${blobUrl}`,
    `QueueEndpoint=${queueUrl}`,
    '',
  ].join(';');
}
