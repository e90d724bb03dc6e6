// The README's first command, and proof that it can fail.

import { describe, expect, it } from 'vitest';
import * as z from 'zod';

import { runCommand, type Ended } from '../support/run-command.ts';

const Outcome = z.strictObject({
  ok: z.boolean(),
  changes: z.number(),
  purgeCalls: z.number(),
  urlsPurged: z.number(),
  staleBefore: z.number(),
  freshAfter: z.number(),
  lost: z.number(),
  acceptedMs: z.strictObject({ p50: z.number().nullable(), p95: z.number().nullable() }),
});

const outcomeOf = ({ output }: Ended): z.infer<typeof Outcome> =>
  Outcome.parse(JSON.parse(output.trimEnd().split('\n').at(-1) ?? ''));

describe.concurrent('npm run demo', () => {
  it.each([
    { provider: 'azure-china-cdn', accepted: /CDN accepted \d+ files .* correlation id [0-9a-f-]{36}/ },
    {
      provider: 'azure-front-door',
      accepted: /CDN accepted \d+ paths of 3 domains, correlation id [0-9a-f-]{36}/,
    },
  ])(
    'changes a site and sees every changed URL become fresh: $provider',
    async ({ provider, accepted }) => {
      const ended = await runCommand('dev/demo/main.ts', ['--json', '--provider', provider], 110_000).ended;

      expect(ended.code, ended.output).toBe(0);
      const outcome = outcomeOf(ended);
      expect(outcome).toMatchObject({ ok: true, lost: 0, freshAfter: outcome.staleBefore });
      expect(outcome.changes).toBeGreaterThanOrEqual(40);
      expect(outcome.purgeCalls).toBeLessThan(outcome.changes / 4);
      expect(outcome.urlsPurged).toBeGreaterThanOrEqual(outcome.freshAfter);
      expect(ended.output).toMatch(accepted);
    },
    120_000,
  );

  it('fails when the app signs with a wrong key: nothing is purged, and it says so', async () => {
    const ended = await runCommand(
      'dev/demo/main.ts',
      ['--json', '--break-signing', '--wait-seconds', '8'],
      110_000,
      // Several flushes fail within the wait; by default it would have to be longer than ten seconds.
      { PURGE_SCHEDULE: '*/2 * * * * *' },
    ).ended;

    expect(ended.code, ended.output).toBe(1);
    const outcome = outcomeOf(ended);
    expect(outcome).toMatchObject({ ok: false, purgeCalls: 0, urlsPurged: 0, freshAfter: 0 });
    expect(outcome.lost).toBe(outcome.staleBefore);
    expect(outcome.lost).toBeGreaterThan(0);
    expect(ended.output).toContain('WrongSignature');
    expect(ended.output).toContain('never purged: still the old answer');
  }, 120_000);
});
