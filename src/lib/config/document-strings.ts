// The strings of the document that must mean something: each parser gives the value as it is used, or the fault.

import { domainToASCII } from 'node:url';
import { findBlobNameFault } from '../core/blob-name.ts';
import { err, ok, type Result } from '../core/result.ts';

/** A concrete DNS name, lower-cased, international names as punycode. */
export function parseHostName(text: string): Result<string, string> {
  if (text.includes('*')) return err('name each concrete host: a purge URL cannot hold a wildcard');
  if (/[/:?#@\\\s]/u.test(text)) return err('must be a host name only: no scheme, port, path or spaces');
  const host = domainToASCII(text);
  if (host.length > 253 || !DNS_NAME.test(host)) return err('must be a DNS name such as www.example.cn');
  return ok(host);
}

/** An absolute URL without trailing slash; plain http only to this machine, as signatures would travel open. */
export const parseApiBaseUrl = (text: string): Result<string, string> =>
  parseServiceUrl(text, 'https://restapi.cdn.azure.cn');

/** Like `parseApiBaseUrl`: tokens would travel open. */
export const parseResourceManagerUrl = (text: string): Result<string, string> =>
  parseServiceUrl(text, 'https://management.azure.com');

/** An https URL without trailing slash: the package that makes logins takes no other. */
export function parseAuthority(text: string): Result<string, string> {
  const url = parseServiceUrl(text, 'https://login.microsoftonline.com');
  return url.ok && !url.value.startsWith('https:') ? err('must be https') : url;
}

/** learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules */
export function parseResourceGroup(text: string): Result<string, string> {
  return /^(?=.{1,90}$)[\p{L}\p{N}_().-]*[\p{L}\p{N}_()-]$/u.test(text)
    ? ok(text)
    : err('must be the name of a resource group');
}

/** What a token is for, as it stands: a slash at its end is a part of it. */
export function parseAudience(text: string): Result<string, string> {
  return /^(?:https|api):\/\/[^\s?#]+$/u.test(text)
    ? ok(text)
    : err('must be an audience such as https://management.azure.com');
}

function parseServiceUrl(text: string, example: string): Result<string, string> {
  if (!/^https?:\/\//iu.test(text) || !URL.canParse(text)) return err(`must be a URL such as ${example}`);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return err('must not hold a user name or a password');
  if (/[?#]/u.test(text)) return err('must have no query and no fragment');
  if (url.protocol !== 'https:' && !isLoopback(url.hostname)) {
    return err('must be https: plain http is only for a loopback host');
  }
  return ok(url.href.replace(/\/+$/u, ''));
}

/** A storage account's name, or `*`. */
export function parseAccount(text: string): Result<string, string> {
  return ACCOUNT.test(text)
    ? ok(text)
    : err('must be a storage account: 3 to 24 lower-case letters and digits, or *');
}

/** A container's name, or a pattern with `*`. */
export function parseContainer(text: string): Result<string, string> {
  return CONTAINER.test(text)
    ? ok(text)
    : err(
        'must be a container: 3 to 63 lower-case letters, digits and single hyphens, $web, $root, or a pattern with *',
      );
}

/** A raw URL path from `/` to `/`. */
export function parseServedPath(text: string): Result<string, string> {
  if (!text.startsWith('/') || !text.endsWith('/')) return err('must start and end with /');
  if (/%[0-9a-f]{2}/iu.test(text)) return err('must be written as it reads, not percent-encoded');
  if (/[?#\\*]/u.test(text)) return err(String.raw`must not hold any of ? # \ *`);
  if (text.includes('//')) return err('must not hold an empty segment (//)');
  return text === '/' ? ok(text) : parseRawName(text.slice(1), text);
}

/** A raw prefix of blob names, up to and with a `/`. */
export function parseStripPrefix(text: string): Result<string, string> {
  if (text.startsWith('/') || !text.endsWith('/')) return err('must end with / and not start with it');
  return parseRawName(text, text);
}

/** The last segment of a blob's name. */
export function parseIndexDocument(text: string): Result<string, string> {
  if (text.includes('/')) return err('must be a file name without /');
  return parseRawName(text, text);
}

/** The name of an app setting. Refuses what looks like the key itself. */
export function parseSettingName(text: string): Result<string, string> {
  const isName = SETTING_NAME.test(text) && text.length <= 64;
  if (isName && !LIKE_A_KEY.test(text)) return ok(text);
  return err(
    'must be the name of an app setting (letters, digits and _, at most 64), never the key itself: ' +
      'if a key was written here, take it out and renew it',
  );
}

export const ACCOUNT = /^(?:\*|[a-z0-9]{3,24})$/;
export const CONTAINER =
  /^(?:\$web|\$root|[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,62}|(?=[^*]*\*)[a-z0-9*-]{1,63})$/;
export const SETTING_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Labels of letters, digits and inner hyphens, at least two, the last not a number (that would be an address). */
const DNS_NAME = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Hexadecimal throughout, or a long run without `_` that is strewn with digits, as in base64. */
const LIKE_A_KEY = /^[0-9a-f]{16,}$|(?=[^_]*(?:\d[^_]*){4})[^_]{24}/iu;

/** Takes the `hostname` of a URL. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/u.test(hostname)
  );
}

function parseRawName(name: string, whole: string): Result<string, string> {
  const fault = findBlobNameFault(name);
  switch (fault) {
    case undefined:
      return ok(whole);
    case 'empty':
      return err('must not be empty');
    case 'too-long':
      return err('must have at most 1,024 characters');
    case 'dot-segment':
      return err('must not hold a . or .. segment');
    case 'control-character':
      return err('must not hold a control character');
    case 'lone-surrogate':
    case 'replacement-character':
      return err('must hold whole, undamaged characters only');
  }
}
