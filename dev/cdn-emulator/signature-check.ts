// Who signed this request, and is it genuine? Steps 2 to 9 of the validation order, written from the
// published algorithm (https://docs.azure.cn/en-us/cdn/cdn-api-signature) and sharing nothing with the app.
import { createHmac } from 'node:crypto';
import { equalInConstantTime } from '../emulator/equal-in-constant-time.ts';
import { refuse, type Refused } from './api-error.ts';
import type { ApiKey, Behaviour } from './settings.ts';

export interface SignedRequest {
  readonly method: string;
  /** As received: not decoded, without query. */
  readonly path: string;
  /** As received, without `?`; empty if there is none. */
  readonly rawQuery: string;
  readonly authorization: string | undefined;
  /** The `x-azurecdn-request-date` header. */
  readonly requestDate: string | undefined;
}

export type SignatureRules = Pick<Behaviour, 'pathCase' | 'acceptLowerCaseHex' | 'dateSkewSeconds'>;

/** Finds the key that signed the request, or the first reason why none did. */
export function checkSignature(
  request: SignedRequest,
  keys: readonly ApiKey[],
  rules: SignatureRules,
  now: Date,
): { readonly ok: true; readonly value: ApiKey } | Refused {
  const { authorization, requestDate } = request;
  if (authorization === undefined || authorization === '') {
    return refuse('MissingAuthorizationHeader', 'Missing authorization header.');
  }
  if (requestDate === undefined || requestDate === '') {
    return refuse('MissingRequestDateHeader', 'Missing request date header.');
  }
  const signedAt = parseRequestDate(requestDate);
  if (signedAt === undefined) {
    return refuse('InvalidRequestDateHeader', 'The request date must be UTC, as yyyy-MM-dd HH:mm:ss.');
  }
  const header = authorizationHeader.exec(authorization)?.groups;
  if (header === undefined) {
    return refuse('InvalidAuthorizationHeader', 'Expected: AzureCDN {keyId}:{64 hexadecimal digits}.');
  }
  const skewSeconds = Math.abs(now.getTime() - signedAt.getTime()) / 1_000;
  if (skewSeconds > rules.dateSkewSeconds) {
    return refuse('AuthorizationHeaderExpired', `The request date is ${Math.round(skewSeconds)} s off.`);
  }
  const { keyId = '', digest = '' } = header;
  const key = keys.find((candidate) => candidate.id.toLowerCase() === keyId.toLowerCase());
  if (key === undefined) return refuse('ApiKeyNotFound', 'No such API key.');
  if (key.state !== 'active') return refuse('InvalidApiKey', `The API key is ${key.state}.`);

  const given = rules.acceptLowerCaseHex ? digest.toUpperCase() : digest;
  const genuine = stringsToSign(request, requestDate, rules.pathCase).some((text) =>
    equalInConstantTime(given, hmacHex(key.value, text)),
  );
  if (!genuine) return refuse('WrongSignature', 'The signature does not match the request.');
  return { ok: true, value: key };
}

const authorizationHeader = /^AzureCDN (?<keyId>[^\s:]+):(?<digest>[0-9A-Fa-f]{64})$/u;

// Padding is not required: the service was seen to take `2017-7-26 5:37:18`.
const requestDatePattern =
  /^(?<year>\d{4})-(?<month>\d{1,2})-(?<day>\d{1,2}) (?<hour>\d{1,2}):(?<minute>\d{1,2}):(?<second>\d{1,2})$/u;

/** Reads `yyyy-MM-dd HH:mm:ss` as UTC; undefined for another format or a day that does not exist. */
export function parseRequestDate(text: string): Date | undefined {
  const groups = requestDatePattern.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = Object.values(groups).map(Number);
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const roundTrip =
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second;
  return roundTrip ? date : undefined;
}

/** Every text whose signature counts in this mode. The date goes in verbatim. */
function stringsToSign(
  request: SignedRequest,
  requestDate: string,
  pathCase: Behaviour['pathCase'],
): readonly string[] {
  const method = request.method.toUpperCase();
  const line = queryLine(request.rawQuery);
  const asReceived = [request.path, line, requestDate, method].join('\r\n');
  // Microsoft's C# sample lower-cases the path and leaves an empty query out, line and all.
  const csharpLines = line === '' ? [requestDate, method] : [line, requestDate, method];
  const csharp = [request.path.toLowerCase(), ...csharpLines].join('\r\n');
  switch (pathCase) {
    case 'strict':
      return [asReceived];
    case 'csharp':
      return [csharp];
    case 'either':
      return [asReceived, csharp];
  }
}

/** `name:value` pairs by name: values decoded, blank ones dropped, the first of equal names (Python sample). */
function queryLine(rawQuery: string): string {
  const firstByName = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    if (value !== '' && !firstByName.has(name)) firstByName.set(name, value);
  }
  return [...firstByName.keys()]
    .toSorted()
    .map((name) => `${name}:${firstByName.get(name) ?? ''}`)
    .join(', ');
}

function hmacHex(keyValue: string, text: string): string {
  return createHmac('sha256', Buffer.from(keyValue, 'utf8')).update(text, 'utf8').digest('hex').toUpperCase();
}
