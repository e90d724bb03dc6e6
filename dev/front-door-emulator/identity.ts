// The token endpoint that App Service gives an app with a managed identity:
// https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
import { createHash, randomUUID } from 'node:crypto';
import type { ReceivedRequest } from '../emulator/reply.ts';
import type { Behaviour, EmulatorSettings } from './settings.ts';
import { isAudience, type IssuedToken, type Tokens } from './tokens.ts';

export interface IdentityPorts {
  readonly identities: EmulatorSettings['identities'];
  /** What `X-IDENTITY-HEADER` must say. */
  readonly identityHeader: string;
  readonly tokens: Tokens;
  readonly behaviour: () => Behaviour;
}

export const identityPath = '/msi/token';

export type TokenAnswer =
  | { readonly ok: true; readonly resource: string; readonly clientId: string; readonly issued: IssuedToken }
  | { readonly ok: false; readonly status: number; readonly message: string };

/** Judges one request for a token. */
export function answerTokenRequest(
  { method, rawQuery, header }: ReceivedRequest,
  { identities, identityHeader, tokens, behaviour }: IdentityPorts,
): TokenAnswer {
  const query = new URLSearchParams(rawQuery);
  if (method !== 'GET') return no(405, 'The token endpoint answers GET.');
  if (header('x-identity-header') !== identityHeader)
    return no(401, 'X-IDENTITY-HEADER is missing or wrong.');
  if (query.get('api-version') !== '2019-08-01') {
    return no(400, 'api-version is missing or not supported: 2019-08-01 is.');
  }
  const resource = query.get('resource') ?? '';
  if (resource === '') return no(400, 'resource is missing.');
  const known = ['api-version', 'resource', 'client_id'];
  const unknown = [...query.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) return no(400, `The parameter ${unknown} is not known here.`);
  const asked = query.get('client_id');
  const clientId = asked ?? (identities.system ? systemClientId : undefined);
  const exists =
    asked === null ? identities.system : identities.userAssigned.some((one) => sameText(one, asked));
  if (clientId === undefined || !exists) return no(400, 'No managed identity was found for the app.');
  const { audiences, tokenLifetimeSeconds } = behaviour();
  if (!isAudience(resource, audiences)) {
    return no(400, `The resource principal named ${resource} was not found in this cloud.`);
  }
  return {
    ok: true,
    resource,
    clientId,
    issued: tokens.issue(resource, objectIdOf(clientId), tokenLifetimeSeconds),
  };
}

/** The bodies of the documented answers. */
export function tokenBody(answer: TokenAnswer): Readonly<Record<string, unknown>> {
  if (!answer.ok) {
    return { statusCode: answer.status, message: answer.message, correlationId: randomUUID() };
  }
  const { issued, resource, clientId } = answer;
  return {
    access_token: issued.token,
    // A string, not a number: so the documentation has it.
    expires_on: String(Math.floor(issued.expiresAt.getTime() / 1_000)),
    resource,
    token_type: 'Bearer',
    client_id: clientId,
  };
}

const systemClientId = '5e29463d-71da-4fe0-8e69-999b57db23b0';

/** A directory object's id for a client id: always the same one. */
export function objectIdOf(clientId: string): string {
  const hex = createHash('sha256').update(clientId.toLowerCase()).digest('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/u, '$1-$2-$3-$4-$5');
}

function no(status: number, message: string): TokenAnswer {
  return { ok: false, status, message };
}

function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
