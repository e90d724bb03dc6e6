// When a token is asked for, when the one that is kept does, and what becomes of one that is refused.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { err, ok } from '../../../src/lib/core/result.ts';
import { createTokenSource, type Token, type TokenResult } from '../../../src/lib/identity/token-source.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const ARM = 'https://management.azure.com';
const MINUTE_MS = 60_000;

/** A source whose tokens are named by their number; `answer` may give something else instead. */
function source({
  lifeMs = 60 * MINUTE_MS,
  answer,
}: { lifeMs?: number; answer?: () => TokenResult | undefined } = {}) {
  const clock = createFakeClock();
  const asked: string[] = [];
  const tokens = createTokenSource(async (audience) => {
    asked.push(audience);
    const value = `token-${asked.length}`;
    return answer?.() ?? ok({ value, expiresAt: instant(clock.now() + lifeMs) });
  }, clock.now);
  const value = async (audience = ARM): Promise<string> => {
    const token = await tokens.getToken(audience);
    return token.ok ? token.value.value : `none: ${token.error.detail}`;
  };
  return { tokens, value, asked, clock };
}

const failure = err({ kind: 'unavailable', detail: 'down' } as const);

describe('a token', () => {
  it('is asked for once for all who need it at the same time', async () => {
    const { value, asked } = source();
    expect(await Promise.all([value(), value(), value()])).toEqual(['token-1', 'token-1', 'token-1']);
    expect(asked).toEqual([ARM]);
  });

  it('is for one audience', async () => {
    const { value, asked } = source();
    await value(ARM);
    await value('https://storage.azure.com');
    expect(asked).toEqual([ARM, 'https://storage.azure.com']);
  });

  it.each([
    ['five minutes before the end of a long one', 60 * MINUTE_MS, 55 * MINUTE_MS],
    ['at half the life of a short one', 4 * MINUTE_MS, 2 * MINUTE_MS],
  ])('is renewed %s, and not before', async (_what, lifeMs, renewedAfterMs) => {
    const { value, clock } = source({ lifeMs });
    await value();
    clock.advance(renewedAfterMs - 1);
    expect(await value()).toBe('token-1');
    clock.advance(1);
    expect(await value()).toBe('token-2');
  });

  it('that is not at its end yet does while there is no new one', async () => {
    const answers: (TokenResult | undefined)[] = [undefined, failure, failure];
    const { value, clock } = source({ answer: () => answers.shift() });
    await value();
    clock.advance(58 * MINUTE_MS);
    expect(await value()).toBe('token-1');
    clock.advance(2 * MINUTE_MS);
    expect(await value()).toBe('none: down');
  });

  it.each([
    ['a quarter of a minute', undefined, 15_000],
    ['a quarter of a minute, if that is longer than was asked for', 1_000, 15_000],
    ['as long as was asked for', 60_000, 60_000],
    ['its end, if that comes first', 3_600_000, 2 * MINUTE_MS],
  ])('that could not be renewed is kept without asking for %s', async (_what, retryAfterMs, pauseMs) => {
    const down = err({ kind: 'unavailable', detail: 'down', retryAfterMs } as const);
    const answers: (TokenResult | undefined)[] = [undefined, down];
    const { value, asked, clock } = source({ answer: () => answers.shift() });
    await value();
    clock.advance(58 * MINUTE_MS);
    await value();
    clock.advance(pauseMs - 1);
    expect(await value()).toBe('token-1');
    expect(asked).toHaveLength(2);
    clock.advance(1);
    expect(await value()).toBe('token-3');
  });

  it('that was refused while it could not be renewed is not kept', async () => {
    const answers: (TokenResult | undefined)[] = [undefined, failure];
    const { tokens, value, clock } = source({ answer: () => answers.shift() });
    await value();
    clock.advance(58 * MINUTE_MS);
    const renewing = value();
    tokens.forget(ARM, { value: 'token-1', expiresAt: instant(0) });
    expect(await renewing).toBe('none: down');
    expect(await value()).toBe('token-3');
  });

  it('whose end has passed by our clock is used all the same, and asked for anew by the next', async () => {
    const { value, asked } = source({ lifeMs: -MINUTE_MS });
    expect([await value(), await value()]).toEqual(['token-1', 'token-2']);
    expect(asked).toHaveLength(2);
  });

  it('that could not be had is asked for anew by the next', async () => {
    const answers: (TokenResult | undefined)[] = [failure];
    const { value } = source({ answer: () => answers.shift() });
    expect(await value()).toBe('none: down');
    expect(await value()).toBe('token-2');
  });

  it('that was refused is not given again', async () => {
    const { tokens, value } = source();
    const first: Token = { value: await value(), expiresAt: instant(0) };
    tokens.forget(ARM, first);
    expect(await value()).toBe('token-2');
    // Another call that was refused with the same token comes late: the new one stays.
    tokens.forget(ARM, first);
    expect(await value()).toBe('token-2');
  });
});
