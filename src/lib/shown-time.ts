// The zone in which people are shown times: those of log lines. What machines read, JSON and records, is UTC always.

/** Of the process, as its log is: set once, when its settings are known. */
let zone = 'UTC';

/** Takes an IANA time zone that `isTimeZone` knows, such as `Asia/Shanghai`. Asks nothing of Intl, which loads slowly. */
export function showTimesIn(timeZone: string): void {
  zone = timeZone;
}

/** Whether the text names a time zone that this process knows. */
export function isTimeZone(text: string): boolean {
  try {
    partsIn(text);
    return true;
  } catch {
    return false;
  }
}

const ISO_IN_UTC = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/;

/** Takes any text. What is a time in UTC as a whole is given in the zone, with its offset; the rest as it is. */
export function shownTime(text: string): string {
  if (zone === 'UTC' || !ISO_IN_UTC.test(text)) return text;
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return text;
  const parts = partsIn(zone).formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes): string =>
    parts.find((one) => one.type === type)?.value ?? '';
  const offset = part('timeZoneName').replace('GMT', '') || '+00:00';
  return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}:${part('second')}${offset}`;
}

function partsIn(timeZone: string): Intl.DateTimeFormat {
  const twoDigits = '2-digit';
  return new Intl.DateTimeFormat('en', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: twoDigits,
    day: twoDigits,
    hour: twoDigits,
    minute: twoDigits,
    second: twoDigits,
    timeZoneName: 'longOffset',
  });
}
