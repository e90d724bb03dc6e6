// Timers of the embedded Functions host: schedules from settings, start-up runs, no overlap, runs on demand.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startHost, testKeys, type HostChild } from './functions-host-child.ts';

function countStarts(host: HostChild, name: string): number {
  return host.entries('invocation-started').filter((entry) => entry['function'] === name).length;
}

function runNow(host: HostChild, name: string, query = ''): Promise<Response> {
  return host.request(`/admin/functions/${name}${query}`, {
    method: 'POST',
    headers: { 'x-functions-key': testKeys.master },
  });
}

describe('timers', () => {
  let host: HostChild;
  beforeAll(async () => {
    host = await startHost(['timers'], { env: { EVERY_SECOND: '* * * * * *' } });
  });
  afterAll(async () => {
    // `slow` may be running again: there is no orderly stop to wait for.
    host.child.kill('SIGKILL');
    await host.child.exited;
  });

  it('run at the times of a schedule that an app setting gives, with the input of the real host', async () => {
    await eventually(() => expect(countStarts(host, 'every-second')).toBeGreaterThanOrEqual(2));

    expect(host.functions).toContainEqual({
      name: 'every-second',
      trigger: 'timer',
      schedule: '* * * * * *',
    });
    expect(host.messages('function-log')).toContain(
      'timer {"schedule":{"adjustForDST":true},"scheduleStatus":null,"isPastDue":false}',
    );
  });

  it('run once on startup where asked', async () => {
    await eventually(() => expect(countStarts(host, 'at-start')).toBe(1));
  });

  it('never run while their last run goes on; the next tick comes after it', async () => {
    await eventually(() => expect(countStarts(host, 'slow')).toBe(1));
    const ticks = countStarts(host, 'every-second');
    await eventually(() => expect(countStarts(host, 'every-second')).toBeGreaterThan(ticks + 2));
    expect(countStarts(host, 'slow')).toBe(1);

    await host.request('/api/release-slow');

    await eventually(() => expect(countStarts(host, 'slow')).toBe(2));
    await host.request('/api/release-slow');
  });

  it('are run on demand: 202 at once, or with ?wait=true how the run ended', async () => {
    const answers = [
      await runNow(host, 'on-demand'),
      await runNow(host, 'on-demand', '?wait=true'),
      await runNow(host, 'every-second', '?wait=true'),
    ];

    expect(answers.map(({ status }) => status)).toEqual([202, 500, 202]);
  });
});

it('with --no-timers nothing runs by itself, not even on startup, but the admin API still does', async () => {
  const host = await startHost(['timers'], { args: ['--no-timers'], env: { EVERY_SECOND: '* * * * * *' } });

  expect((await runNow(host, 'every-second', '?wait=true')).status).toBe(202);
  await host.child.stop();

  expect(countStarts(host, 'every-second')).toBe(1);
  expect(countStarts(host, 'at-start')).toBe(0);
});
