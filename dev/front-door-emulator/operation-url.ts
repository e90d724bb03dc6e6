// The URLs by which an operation is asked about: long, signed, and not to be made by anybody else.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { equalInConstantTime } from '../emulator/equal-in-constant-time.ts';
import { refuse, type Refused } from './arm-error.ts';
import type { Operation } from './operations.ts';

export interface OperationUrls {
  /** Gives both URLs, as the headers of a 202 have them. */
  write(
    operation: Operation,
    at: { readonly armUrl: string; readonly apiVersion: string; readonly leastBytes: number },
  ): { readonly asyncOperation: string; readonly location: string };
  /** Judges the query by which an operation is asked about. */
  check(operation: Operation, rawQuery: string): { readonly ok: true } | Refused;
}

// The Unix epoch in .NET ticks of 100 ns.
const epochTicks = 621_355_968_000_000_000n;

export function createOperationUrls(): OperationUrls {
  const secret = randomBytes(32);
  const signatureOf = (id: string, t: string, c: string): string =>
    createHmac('sha256', secret).update(`${id.toLowerCase()}\n${t}\n${c}`).digest('base64url');
  return {
    write(operation, { armUrl, apiVersion, leastBytes }) {
      const { subscription, resourceGroup, profile, endpoint, id, startsAtMs } = operation;
      const path = `/subscriptions/${subscription}/resourcegroups/${resourceGroup}/providers/Microsoft.Cdn/operationresults/${id}`;
      const t = String(epochTicks + BigInt(Math.round(startsAtMs)) * 10_000n);
      // Where the service has the certificate of its signature; most of the URL's length.
      const c = randomBytes(Math.ceil((leastBytes * 3) / 4)).toString('base64url');
      const s = signatureOf(id, t, c);
      const h = createHash('sha256').update(s).digest('base64url');
      const query = `?api-version=${apiVersion}&t=${t}&c=${c}&s=${s}&h=${h}`;
      return {
        asyncOperation: `${armUrl}${path}${query}`,
        location: `${armUrl}${path}/profileresults/${profile}/afdendpointresults/${endpoint}${query}`,
      };
    },
    check({ id }, rawQuery) {
      const query = new URLSearchParams(rawQuery);
      const [t, c, s, h] = ['t', 'c', 's', 'h'].map((name) => query.get(name));
      if (!isGiven(t) || !isGiven(c) || !isGiven(s) || !isGiven(h)) {
        return refuse(400, 'BadRequest', 'The operation URL is not complete.');
      }
      const genuine = equalInConstantTime(s, signatureOf(id, t, c));
      if (genuine && equalInConstantTime(h, createHash('sha256').update(s).digest('base64url')))
        return { ok: true };
      return refuse(403, 'Forbidden', 'The signature of the operation URL is not valid.');
    },
  };
}

function isGiven(value: string | null | undefined): value is string {
  return value !== null && value !== undefined && value !== '';
}
