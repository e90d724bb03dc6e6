// Histories of published sites: one JSON line a deployment, plain or gzipped, oldest first.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';

import * as z from 'zod';

/** What one deployment changed: paths from the container's root, each with a leading slash. */
export type Deployment = { readonly puts: readonly string[]; readonly deletes: readonly string[] };

export type Trace = { readonly name: string; readonly deployments: readonly Deployment[] };

const Line = z.looseObject({ put: z.array(z.string()), del: z.array(z.string()) });

/** Takes a file's path, gives its deployments. Throws with the line's number when one cannot be read. */
export function readTrace(file: string): Trace {
  const bytes = readFileSync(file);
  // A gzip file starts with these two bytes (RFC 1952, 2.3.1): the name alone may lie.
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8');
  const intern = interning();
  const deployments: Deployment[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      const { put, del } = Line.parse(JSON.parse(line));
      deployments.push({ puts: put.map(intern), deletes: del.map(intern) });
    } catch (cause) {
      throw new Error(`${file}, line ${index + 1}: not a deployment`, { cause });
    }
  }
  return { name: basename(file).replace(/\.jsonl(\.gz)?$/u, ''), deployments };
}

/** One string for equal paths: many hosts replay one trace. */
function interning(): (path: string) => string {
  const known = new Map<string, string>();
  return (path) => {
    const rooted = `/${path}`;
    const same = known.get(rooted);
    if (same !== undefined) return same;
    known.set(rooted, rooted);
    return rooted;
  };
}
