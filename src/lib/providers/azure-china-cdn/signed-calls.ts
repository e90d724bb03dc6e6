// Signs and sends requests to the API: with the key that works, at the time that the CDN thinks it is.
//
// What is sent again here was refused before the CDN acted on it. One call is at most three requests.

import { instant, type Instant } from '../../core/instant.ts';
import type { Clock } from '../../use-cases/ports.ts';
import { parseHttpDate } from '../http/http-date.ts';
import type { HttpResult, HttpSender } from '../http/send.ts';
import { refusalTypeOf } from './answer.ts';
import type { ClockOffset } from './clock-offset.ts';
import { classOfRefusal } from './outcome-classes.ts';
import type { ApiRequest } from './request.ts';
import { signRequest, type ApiKey } from './signature.ts';

/** Sends a request. Never throws for what the network or the CDN does. */
export type SignedCalls = (request: ApiRequest) => Promise<HttpResult>;

export type KeySlot = 'first' | 'second';

export type CallReports = {
  /** The other key is in use from now on. */
  readonly onKeySlot: (slot: KeySlot) => void;
  /** The CDN's clock is so far ahead of ours (behind it, if negative); every signature is made at its time from now on. */
  readonly onClockOffset: (offsetMs: number) => void;
};

export type Keys = { readonly first: ApiKey; readonly second: ApiKey | undefined };

/** Takes one key or two, a sender, our clock, the offset of the CDN's, and whom to tell. Remembers which key works. */
export function signedCalls(
  keys: Keys,
  sender: HttpSender,
  clock: Clock,
  offset: ClockOffset,
  reports: CallReports,
): SignedCalls {
  let slot: KeySlot = 'first';

  const callAt = (request: ApiRequest, key: ApiKey, offsetMs: number): Promise<HttpResult> =>
    sender({
      ...request,
      headers: {
        ...signRequest(request, key, instant(clock.now() + offsetMs)),
        accept: 'application/json',
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    });
  /** Once more at the CDN's time, where it finds ours too far off. An offset that does not help is not kept. */
  const callAtTheirTime = async (request: ApiRequest, key: ApiKey, theirs: Instant): Promise<HttpResult> => {
    const offsetMs = theirs - clock.now();
    const result = await callAt(request, key, offsetMs);
    if (!isExpired(result) && offset.learn(offsetMs)) reports.onClockOffset(offsetMs);
    return result;
  };

  return async (request) => {
    let signedAgain = false;
    const call = async (key: ApiKey): Promise<HttpResult> => {
      const result = await callAt(request, key, offset.currentMs());
      const theirs = !signedAgain && isExpired(result) ? dateOf(result) : undefined;
      if (theirs === undefined) return result;
      signedAgain = true;
      return callAtTheirTime(request, key, theirs);
    };

    const inUse = keyOf(keys, slot);
    const result = await call(inUse.key);
    if (!isKeyRefused(result)) return result;
    const other = keyOf(keys, inUse.slot === 'first' ? 'second' : 'first');
    if (other.slot === inUse.slot) return result;
    const answer = await call(other.key);
    if (isKeyRefused(answer)) return result;
    // Another call may have changed the slot meanwhile.
    if (isKeyTaken(answer) && slot !== other.slot) {
      slot = other.slot;
      reports.onKeySlot(slot);
    }
    return answer;
  };
}

/** The key of a slot, or the first where there is no second. */
function keyOf({ first, second }: Keys, slot: KeySlot): { readonly slot: KeySlot; readonly key: ApiKey } {
  return slot === 'second' && second !== undefined ? { slot, key: second } : { slot: 'first', key: first };
}

function isExpired(result: HttpResult): boolean {
  return refusalTypeOf(result)?.errorType === 'AuthorizationHeaderExpired';
}

function isKeyRefused(result: HttpResult): boolean {
  return refusalClassOf(result) === 'credentials-refused';
}

/** Whether the CDN has looked at the key and found it good: no page of a gateway says that. */
function isKeyTaken(result: HttpResult): boolean {
  switch (refusalClassOf(result)) {
    case undefined:
      return result.kind === 'answered' && result.status >= 200 && result.status < 300;
    case 'item-refused':
    case 'endpoint-unusable':
    case 'throttled':
    case 'quota-exhausted':
      return true;
    case 'credentials-refused':
    case 'request-refused':
    case 'transient':
    case 'unknown':
      return false;
  }
}

function refusalClassOf(result: HttpResult): ReturnType<typeof classOfRefusal> | undefined {
  const refusal = refusalTypeOf(result);
  return refusal && classOfRefusal(refusal.errorType, refusal.status);
}

/** RFC 9110, section 6.6.1: the time at which the server made the answer. */
function dateOf(result: HttpResult): Instant | undefined {
  return result.kind === 'answered' ? parseHttpDate(result.headers.get('date')) : undefined;
}
