// Query parameters of the HTTP triggers: an unknown one is refused, for nothing may happen on a misunderstanding.

import type { HttpResponseInit } from '@azure/functions';

import { err, ok, type Result } from '../core/result.ts';
import { problemResponse } from './problem-details.ts';

const TOP_DEFAULT = 100;
const TOP_MAX = 1_000;

/** In lower case: those of the Functions host, by which a function key may come. It does not mind the case. */
const HOST_PARAMETERS: ReadonlySet<string> = new Set(['code', 'clientid']);

/** Takes a query and the names that it may have, each once; gives their values, or the answer that refuses it. */
export function readQuery<const Name extends string>(
  query: URLSearchParams,
  names: readonly [Name, ...Name[]],
): Result<Readonly<Partial<Record<Name, string>>>, HttpResponseInit> {
  const known: ReadonlySet<string> = new Set(names);
  const unknown = new Set(
    [...query.keys()].filter((name) => !known.has(name) && !HOST_PARAMETERS.has(name.toLowerCase())),
  );
  if (unknown.size > 0) {
    const given = [...unknown].map((name) => JSON.stringify(name)).join(', ');
    const detail = `There is no query parameter ${given}: only ${names.join(', ')}, and code and clientId for the function key.`;
    return err(problemResponse({ status: 400, title: 'Unknown query parameter', detail }));
  }
  const values: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const [value, ...more] = query.getAll(name);
    if (more.length > 0) return badQuery(`${name} is given once.`);
    if (value !== undefined) values[name] = value;
  }
  return ok(values);
}

/** The answer to a value that cannot be meant. */
export function badQuery(detail: string): { readonly ok: false; readonly error: HttpResponseInit } {
  return err(problemResponse({ status: 400, title: 'Bad query parameter', detail }));
}

/** How many entries a listing gives: 100 unless it is told, 1,000 at most. */
export function topOf(text: string = `${TOP_DEFAULT}`): Result<number, HttpResponseInit> {
  const top = /^\d{1,4}$/u.test(text) ? Number(text) : 0;
  return top >= 1 && top <= TOP_MAX ? ok(top) : badQuery(`top is a number from 1 to ${TOP_MAX}.`);
}
