// The clients of Azure Storage ask for tokens by scope, and know failure only as an exception.

import { BlobServiceClient } from '@azure/storage-blob';
import { expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { err, ok } from '../../../src/lib/core/result.ts';
import { storageCredential } from '../../../src/lib/identity/storage-credential.ts';
import type { TokenSource } from '../../../src/lib/identity/token-source.ts';
import { callStorage } from '../../../src/lib/storage/trouble.ts';
import { StorageTrouble } from '../../../src/lib/use-cases/ports.ts';

const source = (getToken: TokenSource['getToken']): TokenSource => ({ getToken, forget: () => undefined });

it.each(['https://storage.azure.com/.default', ['https://storage.azure.com/.default']])(
  'gives the token of the audience that the scope %j names, with its end',
  async (scopes) => {
    const credential = storageCredential(
      source(async (audience) => ok({ value: `token for ${audience}`, expiresAt: instant(1_000) })),
    );
    expect(await credential.getToken(scopes)).toEqual({
      token: 'token for https://storage.azure.com',
      expiresOnTimestamp: 1_000,
    });
  },
);

it('is in trouble, as storage may be, where there is none, and says why', async () => {
  const credential = storageCredential(source(async () => err({ kind: 'refused', detail: 'no identity' })));
  const blob = new BlobServiceClient('https://contoso.blob.example', credential).getContainerClient('a');
  const call = callStorage('look', async (abortSignal) => blob.getProperties({ abortSignal }));
  await expect(call).rejects.toThrow(StorageTrouble);
  await expect(call).rejects.toThrow('there is no token for storage: no identity');
});

it('is what the SDK’s clients take', () => {
  const credential = storageCredential(source(() => expect.fail('nothing is asked')));
  expect(new BlobServiceClient('https://contoso.blob.example', credential).accountName).toBe('contoso');
});
