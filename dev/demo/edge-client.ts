// Reads the site as a visitor would: through the caching edge.

import { request, type Dispatcher } from 'undici';

import type { DemoBlob } from './site.ts';

/** A page as visitors know it. The path is percent-encoded. */
export type SiteUrl = { readonly host: string; readonly path: string };

export type EdgeAnswer = { readonly status: number; readonly cache: 'HIT' | 'MISS'; readonly body: string };

/**
 * Takes a blob, gives every URL under which the local edge serves it: the web site's own host, there its directory
 * too for an index document; else the host that serves every container, and for media its own as well.
 */
export function urlsOf({ container, name }: DemoBlob): readonly SiteUrl[] {
  const path = `/${encodePath(name)}`;
  if (container === '$web') {
    const page = { host: 'www.contoso.localhost', path };
    const isIndex = name === 'index.html' || name.endsWith('/index.html');
    return isIndex ? [{ ...page, path: path.slice(0, -'index.html'.length) }, page] : [page];
  }
  const urls = [{ host: 'files.contoso.localhost', path: `/${encodePath(container)}${path}` }];
  return container === 'media' ? [{ host: 'media.contoso.localhost', path }, ...urls] : urls;
}

/** Takes the edge's URL, gives how to read a page there. Local hosts are named by the Host header, not resolved. */
export function edgeClient(edgeUrl: string, dispatcher: Dispatcher): (url: SiteUrl) => Promise<EdgeAnswer> {
  return async ({ host, path }) => {
    const answer = await request(`${edgeUrl}${path}`, {
      headers: { host },
      dispatcher,
      headersTimeout: 10_000,
      bodyTimeout: 10_000,
    });
    const body = await answer.body.text();
    return { status: answer.statusCode, cache: answer.headers['x-cache'] === 'HIT' ? 'HIT' : 'MISS', body };
  };
}

export const describeUrl = ({ host, path }: SiteUrl): string => `${host}${decodeURIComponent(path)}`;

function encodePath(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/');
}
