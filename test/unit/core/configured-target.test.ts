// A target that has waited is purged only by the configuration of this moment.

import { describe, expect, it } from 'vitest';

import { EXACT_MATCHING } from '../../../src/lib/core/capabilities.ts';
import { targetInForce } from '../../../src/lib/core/configured-target.ts';
import {
  aCdn,
  aConfiguration,
  aRule,
  aRuleHost,
  aTarget,
  ENDPOINT,
  OTHER_ENDPOINT,
  OTHER_HOST,
} from '../../support/builders.ts';

const target = aTarget('/media/a');

describe('a target that has waited', () => {
  it('is itself, the same object, while nothing of it was changed', () => {
    expect(targetInForce(target, aConfiguration())).toBe(target);
  });

  it('is purged though the rules of today would not make its URL: copies of it may still be at the edge', () => {
    const configuration = aConfiguration({ rules: [aRule({ strip: 'elsewhere/' })] });
    expect(targetInForce(target, configuration)).toBe(target);
  });

  it.each([
    ['its host is gone', aConfiguration({ rules: [aRule({ hosts: [aRuleHost({ host: OTHER_HOST })] })] })],
    ['its CDN is gone', aConfiguration({ cdns: [] })],
    [
      'another CDN serves its host now',
      aConfiguration({
        cdns: [aCdn(), aCdn({ name: 'second' })],
        rules: [aRule({ hosts: [aRuleHost({ cdn: 'second' })] })],
      }),
    ],
  ])('is not purged when %s', (_what, configuration) => {
    expect(targetInForce(target, configuration)).toBeUndefined();
  });

  it.each([
    ['another one', OTHER_ENDPOINT],
    ['none, for the provider to find it', undefined],
  ])('goes to the endpoint of today: %s', (_what, endpointId) => {
    const configuration = aConfiguration({ rules: [aRule({ hosts: [aRuleHost({ endpointId })] })] });
    expect(targetInForce(target, configuration)).toEqual({ ...target, endpointId });
  });

  it('is compared with others as its CDN does today', () => {
    const matching = { ...EXACT_MATCHING, ignoresCase: true };
    const configuration = aConfiguration({ rules: [aRule({ hosts: [aRuleHost({ matching })] })] });
    const inForce = targetInForce(target, configuration);
    expect(inForce).toEqual({ ...target, matching });
    expect(targetInForce({ ...target, matching: { ...matching } }, configuration)?.matching).toEqual(
      matching,
    );
    expect(targetInForce({ ...target, matching }, aConfiguration())).toEqual(target);
    expect(targetInForce({ ...target, matching: EXACT_MATCHING }, aConfiguration())?.matching).toEqual(
      EXACT_MATCHING,
    );
  });

  it('goes to the endpoint that is named by now where none was', () => {
    const open = aTarget('/media/a', { endpointId: undefined });
    expect(targetInForce(open, aConfiguration())).toEqual({ ...open, endpointId: ENDPOINT });
  });

  it('spends for its site of today where its own is gone', () => {
    const configuration = aConfiguration({ rules: [aRule({ site: 'renamed' })] });
    expect(targetInForce(target, configuration)).toEqual({ ...target, site: 'renamed' });
  });

  it('spends for its own site while there is one, though its host is served by several', () => {
    const rules = [aRule({ site: 'first' }), aRule({ site: 'www' })];
    expect(targetInForce(target, aConfiguration({ rules }))).toBe(target);
  });
});
