// Lets the clients of Azure Storage use the app's tokens.

import { StorageTrouble } from '../use-cases/ports.ts';
import type { TokenSource } from './token-source.ts';

/** The part of the SDKs' `TokenCredential` that they call. */
export type StorageCredential = {
  readonly getToken: (
    scopes: string | string[],
  ) => Promise<{ readonly token: string; readonly expiresOnTimestamp: number }>;
};

/** Takes the source of tokens. Without a token it throws what a storage that is out does: the SDK's call fails by it. */
export function storageCredential(tokens: TokenSource): StorageCredential {
  return {
    async getToken(scopes) {
      const [scope = ''] = [scopes].flat();
      // Such as https://storage.azure.com/.default, in every cloud.
      const token = await tokens.getToken(scope.replace(/\/\.default$/u, ''));
      if (!token.ok) throw new StorageTrouble(`there is no token for storage: ${token.error.detail}`);
      return { token: token.value.value, expiresOnTimestamp: token.value.expiresAt };
    },
  };
}
