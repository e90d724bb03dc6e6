// The pure parts of the embedded Functions host, as tables.
import { describe, expect, it } from 'vitest';
import { parseHostJson } from '../../dev/functions-host/host-json.ts';
import { createHostLog, escapeControls } from '../../dev/functions-host/host-log.ts';
import { matchRoute, parseRoute } from '../../dev/functions-host/route.ts';
import { parseSchedule } from '../../dev/functions-host/schedule.ts';
import { continueTrace } from '../../dev/functions-host/trace-context.ts';

describe('schedules', () => {
  it.each([
    ['*/10 * * * * *', '2026-11-22T10:00:03.500Z', '2026-11-22T10:00:10.000Z'],
    ['*/10 * * * * *', '2026-11-22T10:00:10.000Z', '2026-11-22T10:00:20.000Z'],
    ['0 */5 * * * *', '2026-11-22T10:00:00.000Z', '2026-11-22T10:05:00.000Z'],
    ['*/5 * * * *', '2026-11-22T10:00:00.000Z', '2026-11-22T10:05:00.000Z'],
    ['0 30 9 * * Mon-Fri', '2026-11-20T10:00:00.000Z', '2026-11-23T09:30:00.000Z'],
    ['0 0 0 13 * 5', '2026-01-14T00:00:00.000Z', '2026-02-13T00:00:00.000Z'],
  ])('%s after %s is due at %s (UTC)', (expression, at, dueAt) => {
    expect(nextAfter(expression, at)).toBe(dueAt);
  });

  it.each(['@hourly', '* * * *', '0 0 0 L * *', '61 * * * * *', '0 0 0 ? * *', 'every second or so now'])(
    'refuse %s',
    (expression) => {
      expect(parseSchedule(expression)).toMatchObject({ ok: false });
    },
  );
});

describe('routes', () => {
  it.each([
    ['purges', '/api/purges', {}],
    ['purges/{id}', '/api/purges/a%25b', { id: 'a%b' }],
    ['purges/{id}', '/api/purges/a%zz', { id: 'a%zz' }],
    ['purges/{id?}', '/api/purges', {}],
    ['purges/{id}', '/api/purges', undefined],
    ['{*rest}', '/api/a%20b/c', { rest: 'a b/c' }],
    ['purges', '/api/purgesx', undefined],
  ])('%s and %s', (template, path, parameters) => {
    expect(match(template, path)).toEqual(parameters);
  });

  it.each(['/purges', 'a{b}', '{*rest}/more', '{a?}/b', '{id:int}'])('refuse %s', (template) => {
    expect(parseRoute('api', template)).toMatchObject({ ok: false });
  });

  it.each(['admin/x', 'Runtime'])("without a prefix cannot take the host's own path %s", (template) => {
    expect(parseRoute('', template)).toMatchObject({ ok: false });
  });
});

describe('host.json', () => {
  it('has the defaults of the real host', () => {
    expect(parseHostJson('{"version":"2.0","extensionBundle":{}}', 'host.json')).toEqual({
      routePrefix: 'api',
      functionTimeoutMs: 300_000,
      logLevels: {},
    });
  });

  it.each([
    ['00:10:00', 600_000],
    ['1.02:00:30', 93_630_000],
    ['-1', undefined],
  ])('functionTimeout %s is %s ms', (functionTimeout, functionTimeoutMs) => {
    const text = JSON.stringify({ version: '2.0', functionTimeout });

    expect(parseHostJson(text, 'host.json')).toMatchObject({ functionTimeoutMs });
  });

  it('is refused with every problem', () => {
    const text = JSON.stringify({
      version: '1.0',
      functionTimeout: '5 minutes',
      logging: { logLevel: { default: 'Loud' } },
    });

    expect(() => parseHostJson(text, 'host.json')).toThrow(/version[^]*functionTimeout[^]*logLevel/u);
  });
});

describe('log levels', () => {
  const levels = {
    Default: 'error',
    Function: 'warning',
    'Function.purge': 'debug',
    'Function.off': 'none',
  } as const;

  it.each([
    ['Host', 'warning', false],
    ['Host', 'critical', true],
    ['Function.other', 'information', false],
    ['Function.other.User', 'warning', true],
    ['Function.purge.User', 'debug', true],
    ['Function.purge.User', 'trace', false],
    ['Function.purger', 'debug', false],
    ['function.PURGE', 'debug', true],
    ['Function.off', 'critical', false],
  ] as const)('%s at %s is shown: %s', (category, level, shown) => {
    const entries: unknown[] = [];

    createHostLog(levels, (entry) => entries.push(entry))({ category, level, event: 'e', message: 'm' });

    expect(entries).toHaveLength(shown ? 1 : 0);
  });

  it('default to Information', () => {
    const shown: unknown[] = [];
    const log = createHostLog({}, ({ level }) => shown.push(level));

    for (const level of ['debug', 'information', 'none'] as const) {
      log({ category: 'Function.any', level, event: 'e', message: 'm' });
    }

    expect(shown).toEqual(['info']);
  });
});

it.each([
  ['line\r\n\tend', String.raw`line\r\n\tend`],
  ['\u001B[2J', String.raw`\u001b[2J`],
  ['a\u202Eb\u2028c', String.raw`a\u202eb\u2028c`],
  ['中文 🎉', '中文 🎉'],
])('escapes control characters in messages: %j', (text, escaped) => {
  expect(escapeControls(text)).toBe(escaped);
});

it.each([
  undefined,
  '',
  'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  '00-00000000000000000000000000000000-b7ad6b7169203331-01',
  '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
  '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01',
])('begins a trace of its own for the traceparent %s', (traceparent) => {
  const { traceParent, traceState } = continueTrace(traceparent, 'vendor=1');

  expect(traceParent).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/u);
  expect(traceParent.toLowerCase()).not.toContain('0af7651916cd43dd8448eb211c80319c');
  expect(traceState).toBe('');
});

function nextAfter(expression: string, at: string): string | undefined {
  const schedule = parseSchedule(expression);
  return schedule.ok ? schedule.value.nextAfter(new Date(at))?.toISOString() : schedule.error;
}

function match(template: string, path: string): unknown {
  const route = parseRoute('api', template);
  return route.ok ? matchRoute(route.value, path) : route.error;
}
