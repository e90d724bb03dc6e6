// Who may call over HTTP, beyond the key: whoever Microsoft Entra gave an app role, as App Service Authentication says.

import type { HttpHandler, HttpRequest } from '@azure/functions';
import * as z from 'zod';

import { logOf } from './context-run.ts';
import { problemResponse } from './problem-details.ts';

/**
 * Takes the role that a caller must have (undefined: none) and a handler, gives the handler for such callers alone.
 * The header is the platform's only where App Service Authentication is on, which drops what a caller sends by that
 * name: with a role and without it, the app does not start.
 * learn.microsoft.com/azure/app-service/configure-authentication-user-identities
 */
export function requireRole(role: string | undefined, handler: HttpHandler): HttpHandler {
  if (role === undefined) return handler;
  return async (request, context) => {
    const log = logOf(context);
    const principal = readPrincipal(request);
    if (principal === undefined) {
      log.warn('Refused a call: nobody is signed in.', { function: context.functionName });
      const detail = 'Send a token of Microsoft Entra for this app.';
      return problemResponse({ status: 401, title: 'Not signed in', detail, challenge: 'Bearer' });
    }
    const who = { function: context.functionName, principalId: principal.id };
    if (!principal.roles.has(role)) {
      log.warn('Refused a call: the caller lacks the app role.', { ...who, role });
      return problemResponse({
        status: 403,
        title: 'Not allowed',
        detail: `This needs the app role ${role}.`,
      });
    }
    log.info('Let a call through: the caller has the app role.', who);
    return handler(request, context);
  };
}

type Principal = {
  /** The directory's object id of a person or an app. */
  readonly id: string;
  readonly roles: ReadonlySet<string>;
};

/** Undefined also for a header that is not just as the platform writes it: two of it, say. */
function readPrincipal(request: HttpRequest): Principal | undefined {
  const header = request.headers.get('x-ms-client-principal') ?? '';
  const parsed = ClientPrincipal.safeParse(BASE64.test(header) ? parseJson(header) : undefined);
  if (!parsed.success) return undefined;
  const { claims } = parsed.data;
  const id = claims.find(({ typ }) => OBJECT_ID_TYPES.has(typ))?.val;
  if (id === undefined || !GUID.test(id)) return undefined;
  const roles = claims.filter(({ typ }) => ROLE_TYPES.has(typ)).map(({ val }) => val);
  return { id, roles: new Set(roles) };
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/u;
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;

/** The claims of a token, as they are called in it and as .NET calls them. */
const OBJECT_ID_TYPES: ReadonlySet<string> = new Set([
  'oid',
  'http://schemas.microsoft.com/identity/claims/objectidentifier',
]);
const ROLE_TYPES: ReadonlySet<string> = new Set([
  'roles',
  'http://schemas.microsoft.com/ws/2008/06/identity/claims/role',
]);

const ClientPrincipal = z.object({
  // With another way to sign in, somebody else gives the roles.
  auth_typ: z.literal('aad'),
  claims: z.array(z.object({ typ: z.string(), val: z.string() })),
});

function parseJson(base64: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64')));
  } catch {
    return undefined; // no principal
  }
}
