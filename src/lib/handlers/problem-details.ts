// Answers that say what was wrong with a request: RFC 9457.

import type { HttpResponseInit } from '@azure/functions';

export type Problem = {
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 415 | 422 | 503;
  readonly title: string;
  readonly detail?: string;
  /** Every fault of the body at once; the answer lists the first 100. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  readonly retryAfterSeconds?: number;
  /** How to sign in: RFC 9110, section 11.6.1. */
  readonly challenge?: string;
};

/** More help nobody, and their answer would be larger than the request. */
const ERRORS_MAX = 100;

/** Takes a problem, gives the answer. Pointers are JSON pointers (RFC 6901) as URI fragments: `#/files/0`. */
export function problemResponse({
  status,
  title,
  detail,
  errors,
  retryAfterSeconds,
  challenge,
}: Problem): HttpResponseInit {
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': `${retryAfterSeconds}` }),
      ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
    },
    body: JSON.stringify({
      type: 'about:blank',
      title,
      status,
      ...(detail === undefined ? {} : { detail }),
      ...(errors === undefined
        ? {}
        : {
            errors: atMost(errors).map((error) => ({ pointer: `#${error.pointer}`, detail: error.detail })),
          }),
    }),
  };
}

function atMost(errors: NonNullable<Problem['errors']>): NonNullable<Problem['errors']> {
  if (errors.length <= ERRORS_MAX) return errors;
  return [
    ...errors.slice(0, ERRORS_MAX),
    { pointer: '', detail: `… and ${errors.length - ERRORS_MAX} more.` },
  ];
}

/** Takes what that means for the caller. */
export function storageOut(detail: string): HttpResponseInit {
  return problemResponse({
    status: 503,
    title: 'Storage is out',
    detail,
    retryAfterSeconds: 10,
  });
}
