// Who may call over HTTP where the settings ask for an app role.

import type { HttpHandler } from '@azure/functions';
import { describe, expect, it, vi } from 'vitest';

import { requireRole } from '../../../src/lib/handlers/require-role.ts';
import { callHttp, createInvocation } from '../../support/in-memory-invocation.ts';

const PRINCIPAL_ID = '99990000-aaaa-bbbb-cccc-ddddeeeeffff';
const ROLE = 'Purge.Write';

type Claim = { readonly typ: string; readonly val: string };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');

/** As App Service Authentication writes it. */
function principal(claims: readonly Claim[], provider = 'aad'): string {
  return encode({ auth_typ: provider, name_typ: 'name', role_typ: 'roles', claims });
}

const OID = { typ: 'http://schemas.microsoft.com/identity/claims/objectidentifier', val: PRINCIPAL_ID };
const NAME = { typ: 'name', val: 'canary' };
const role = (val: string): Claim => ({ typ: 'roles', val });

async function call(header: string | undefined, required: string | undefined = ROLE) {
  const handler = vi.fn<HttpHandler>(async () => ({ status: 204 }));
  const invocation = createInvocation();
  const headers = header === undefined ? {} : { 'x-ms-client-principal': header };
  const answer = await callHttp(requireRole(required, handler), { headers }, invocation);
  return { answer, handler, lines: invocation.lines };
}

describe('with a required role', () => {
  it.each([
    ['the role, among others', [OID, NAME, role('Other'), role(ROLE)]],
    ['an app’s own token', [{ typ: 'oid', val: PRINCIPAL_ID }, role(ROLE)]],
    [
      'the names of .NET',
      [OID, { typ: 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role', val: ROLE }],
    ],
  ])('lets a caller through that has %s, and notes whose call it was', async (_what, claims) => {
    const { answer, handler, lines } = await call(principal(claims));
    expect(answer.status).toBe(204);
    expect(handler).toHaveBeenCalledOnce();
    expect(lines).toEqual([expect.stringContaining(PRINCIPAL_ID)]);
    expect(lines.join('\n')).not.toContain('canary');
  });

  it.each([
    ['no role', [OID, NAME]],
    ['another role', [OID, role('Purge.Writer')]],
    ['the role in another case', [OID, role(ROLE.toLowerCase())]],
    ['two roles in one claim', [OID, role(`Other ${ROLE}`)]],
    ['a claim that only looks like a role', [OID, { typ: 'scp', val: ROLE }]],
  ])('answers 403 to a caller that has %s, and notes who it was', async (_what, claims) => {
    const { answer, handler, lines } = await call(principal(claims));
    expect(answer).toMatchObject({
      status: 403,
      headers: { 'content-type': 'application/problem+json' },
      json: { title: 'Not allowed', detail: 'This needs the app role Purge.Write.' },
    });
    expect(handler).not.toHaveBeenCalled();
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^warning .*${PRINCIPAL_ID}`, 'u'))]);
    expect(lines.join('\n')).not.toContain('canary');
  });

  const good = principal([OID, role(ROLE)]);
  it.each([
    ['no principal', undefined],
    ['an empty header', ''],
    ['two headers', `${good}, ${good}`],
    ['no base64', `${good}!`],
    ['base64 of no JSON', Buffer.from('canary').toString('base64')],
    ['base64 of no UTF-8', Buffer.from([0xff, 0xfe]).toString('base64')],
    ['JSON that is no principal', encode({ roles: [ROLE] })],
    ['claims that are none', encode({ auth_typ: 'aad', claims: [{ typ: 'roles', val: [ROLE] }] })],
    ['another provider', principal([OID, role(ROLE)], 'github')],
    ['no object id', principal([role(ROLE)])],
    ['an object id that is none', principal([{ typ: 'oid', val: 'a\nb' }, role(ROLE)])],
  ])('answers 401 to %s', async (_what, header) => {
    const { answer, handler, lines } = await call(header);
    expect(answer).toMatchObject({
      status: 401,
      headers: { 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer' },
    });
    expect(handler).not.toHaveBeenCalled();
    expect(lines.join('\n')).not.toContain('canary');
  });
});

it('changes nothing without a required role', () => {
  const handler = vi.fn<HttpHandler>();
  expect(requireRole(undefined, handler)).toBe(handler);
});
