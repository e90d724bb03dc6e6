// Times in log lines, for people of a zone.

import { afterEach, describe, expect, it } from 'vitest';

import { createApp } from '../../../src/lib/app.ts';
import { formatLine } from '../../../src/lib/format-line.ts';
import { isTimeZone, showTimesIn, shownTime } from '../../../src/lib/shown-time.ts';

afterEach(() => {
  showTimesIn('UTC');
});

describe('a time in a log line', () => {
  it.each([
    ['UTC', '2026-11-23T00:10:00.000Z', '2026-11-23T00:10:00.000Z'],
    ['Asia/Shanghai', '2026-11-22T16:10:00.000Z', '2026-11-23T00:10:00+08:00'],
    ['Asia/Shanghai', '2026-11-22T16:10:00Z', '2026-11-23T00:10:00+08:00'],
    ['America/St_Johns', '2026-11-22T16:10:00.000Z', '2026-11-22T12:40:00-03:30'],
    ['Europe/London', '2026-11-22T16:10:00.000Z', '2026-11-22T16:10:00+00:00'],
    ['Europe/London', '2026-07-22T23:10:00.000Z', '2026-07-23T00:10:00+01:00'],
  ])('is shown in %s', (timeZone, time, shown) => {
    showTimesIn(timeZone);
    expect(shownTime(time)).toBe(shown);
    expect(Date.parse(shownTime(time))).toBe(Date.parse(time));
    expect(formatLine('They wait.', { until: time })).toBe(`They wait. {"until":"${shown}"}`);
  });

  it.each(['2026-11-22', 'at 2026-11-22T16:10:00.000Z', '2026-13-45T16:10:00Z', 'a.txt', ''])(
    'is nothing else: %j stays as it is',
    (text) => {
      showTimesIn('Asia/Shanghai');
      expect(shownTime(text)).toBe(text);
    },
  );
});

describe('a time zone', () => {
  it.each([
    ['UTC', true],
    ['Asia/Shanghai', true],
    ['China Standard Time', false],
    ['Beijing', false],
    ['', false],
  ])('by the name %j: %j', (name, isKnown) => {
    expect(isTimeZone(name)).toBe(isKnown);
  });

  it('is UTC unless PURGE_TIME_ZONE says otherwise', () => {
    const settings = { PURGE_STORAGE: STORAGE, PURGE_CONFIG_BLOB: 'config/purge.json' };
    expect(createApp(settings).timeZone).toBe('UTC');
    expect(createApp({ ...settings, PURGE_TIME_ZONE: 'Asia/Shanghai' }).timeZone).toBe('Asia/Shanghai');
  });
});

/** An account on this machine where nobody listens. */
const STORAGE =
  'DefaultEndpointsProtocol=http;AccountName=contoso;AccountKey=aaaa;BlobEndpoint=http://127.0.0.1:9/contoso;QueueEndpoint=http://127.0.0.1:9/contoso';
