// Fields that the entries of several CDNs have in common.

import * as z from 'zod';
import type { Result } from '../core/result.ts';

/** Takes a parser of strings, gives the schema of what it takes. */
export const parsed = (
  parse: (text: string) => Result<string, string>,
): z.ZodPipe<z.ZodString, z.ZodTransform<string, string>> =>
  z.string().transform((text, context) => {
    const result = parse(text);
    if (result.ok) return result.value;
    context.issues.push({ code: 'custom', message: result.error, input: text });
    return z.NEVER;
  });

/** How a GUID is written, in either case. */
export const GUID = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
export const NO_GUID = 'must be an id like 11112222-3333-4444-5555-666677778888';

export const Guid = z.string().regex(GUID, { error: NO_GUID }).toLowerCase();

/** Takes how many URLs the CDN lets a request have, gives the limits of a request. */
// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the schema is its own type
export const limitsUpTo = (mostUrls: number) =>
  z
    .strictObject({
      urlsPerRequest: z
        .int()
        .min(1)
        .max(mostUrls)
        .default(100)
        .meta({ description: 'URLs in one purge request at most.' }),
      bytesPerRequest: z
        .int()
        .min(4096)
        .max(4_194_304)
        .default(262_144)
        .meta({ description: 'Bytes of the body of one purge request at most.' }),
    })
    .prefault({})
    .meta({ description: 'What one request to the CDN may hold.' });

const milliseconds = z.int().min(100).max(300_000);

export const Timeouts = z
  .strictObject({
    connectMs: milliseconds
      .default(5_000)
      .meta({ description: 'Milliseconds to connect to the API, TLS included.' }),
    headersMs: milliseconds
      .default(30_000)
      .meta({ description: 'Milliseconds from the request to the headers of the answer.' }),
    bodyMs: milliseconds
      .default(30_000)
      .meta({ description: 'Milliseconds between two parts of the body of the answer.' }),
  })
  .prefault({})
  .meta({ description: 'How long a request to the CDN may take.' });
