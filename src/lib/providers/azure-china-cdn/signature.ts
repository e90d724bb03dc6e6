// Signs requests to the Azure China CDN API, step by step. Nothing here does I/O.
//
// Source: docs.azure.cn/en-us/cdn/cdn-api-signature (the newest text: sorted query, 24-hour UTC date). The official
// samples disagree on case, encoding and empty queries; on lower-case paths that need no escaping, with the one
// query parameter apiVersion, all of them agree, so only such requests are made. See docs/adr/0003.

import { createHmac } from 'node:crypto';

import type { Instant } from '../../core/instant.ts';

export type ApiKey = { readonly id: string; readonly value: string };

/** A request to the API as far as it is signed. The body is not. */
export type SignableRequest = { readonly method: 'GET' | 'POST'; readonly url: URL };

export type SignatureHeaders = { readonly authorization: string; readonly 'x-azurecdn-request-date': string };

/** Takes a request, a key and the time of the attempt, gives the headers that sign it. Every attempt needs fresh ones. */
export function signRequest(request: SignableRequest, key: ApiKey, at: Instant): SignatureHeaders {
  const date = requestDate(at);
  const signature = sign(stringToSign(request, date), key.value);
  return { authorization: `AzureCDN ${key.id}:${signature}`, 'x-azurecdn-request-date': date };
}

/** `yyyy-MM-dd HH:mm:ss` in UTC: the header's text is signed verbatim, so it is made once. */
export function requestDate(at: Instant): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}

/** Path, query line, date and method, joined with CRLF. */
export function stringToSign({ method, url }: SignableRequest, date: string): string {
  return [url.pathname, queryLine(url.searchParams), date, method].join('\r\n');
}

/** `name:value` pairs in ordinal order of their names, joined with comma and space. */
export function queryLine(parameters: URLSearchParams): string {
  return [...parameters]
    .toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([name, value]) => `${name}:${value}`)
    .join(', ');
}

/** HMAC-SHA256 in upper-case hex. The key's text is the key: it looks like base64, but is not decoded. */
export function sign(text: string, keyValue: string): string {
  return createHmac('sha256', keyValue).update(text, 'utf8').digest('hex').toUpperCase();
}
