// An app without an identity of Azure: whoever asks for a token fails the test.

import type { TokenSource } from '../../src/lib/identity/token-source.ts';

export const noTokens: TokenSource = {
  getToken: () => Promise.reject(new Error('nothing here needs a token')),
  forget: () => undefined,
};
