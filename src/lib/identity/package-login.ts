// Tokens by the package @azure/identity, for where there is no managed identity: a client secret in the
// package's own AZURE_ settings, or the login of a developer. The package is loaded only by the first question.

import { instant } from '../core/instant.ts';
import { err, ok } from '../core/result.ts';
import type { FetchToken } from './token-source.ts';

/** The part of the package that is used. */
export type LoginPackage = {
  readonly DefaultAzureCredential: new (options: {
    authorityHost: string;
    managedIdentityClientId?: string;
  }) => Credential;
};

type Credential = {
  getToken(scope: string): Promise<{ readonly token: string; readonly expiresOnTimestamp: number }>;
};

export type LoginOptions = {
  /** Where the login is made: `https://login.microsoftonline.com`. */
  readonly authority: string;
  /** A user-assigned identity, where the package finds one. */
  readonly clientId: string | undefined;
};

/** Takes where to log in, and how the package is loaded. */
export function packageLogin(
  { authority, clientId }: LoginOptions,
  load: () => Promise<LoginPackage> = () => import('@azure/identity'),
): FetchToken {
  let credential: Credential | undefined;
  return async (audience) => {
    if (credential === undefined) {
      try {
        const { DefaultAzureCredential } = await load();
        credential = new DefaultAzureCredential({
          authorityHost: authority,
          ...(clientId === undefined ? {} : { managedIdentityClientId: clientId }),
        });
      } catch (error) {
        return err({ kind: 'refused', detail: isNotInstalled(error) ? NOT_INSTALLED : describe(error) });
      }
    }
    try {
      const token = await credential.getToken(`${audience.replace(/\/$/u, '')}/.default`);
      return ok({ value: token.token, expiresAt: instant(token.expiresOnTimestamp) });
    } catch (error) {
      return err({ kind: 'refused', detail: describe(error) });
    }
  };
}

const NOT_INSTALLED =
  'the identity "login" needs the package @azure/identity, which is not installed: npm install @azure/identity@4, ' +
  'or use the identity "managed" on Azure';

function isNotInstalled(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}

/** The package's words say which logins it tried, line by line; its errors hold no token. */
function describe(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
  return `no login by @azure/identity: ${text.replaceAll(/\s+/gu, ' ').slice(0, 400)}`;
}
