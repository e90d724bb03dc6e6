// NCRONTAB schedules: what a timer's expression means, and when it is due next.
import { Cron } from 'croner';
import { messageOf } from './host-start-error.ts';

export interface Schedule {
  readonly expression: string;
  /** The first due moment after the given one, or `undefined` if there is none. UTC, as the host's default. */
  nextAfter(at: Date): Date | undefined;
}

export type ParsedSchedule =
  | { readonly ok: true; readonly value: Schedule }
  | { readonly ok: false; readonly error: string };

/** NCRONTAB knows numbers, names, `*`, lists, ranges and steps, and none of croner's `L`, `W`, `#`, `?`, `@`. */
const token = /^(?:\*|\d+|[a-z]{3})$/iu;

/**
 * Six fields (second first), or five for whole minutes, as
 * https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer says.
 */
export function parseSchedule(expression: string): ParsedSchedule {
  const fields = expression.trim().split(/\s+/u);
  const fault = (problem: string): ParsedSchedule => ({
    ok: false,
    error: `its schedule "${expression}" ${problem}`,
  });
  if (fields.length !== 5 && fields.length !== 6) {
    return fault(
      'must have six fields: {second} {minute} {hour} {day} {month} {day-of-week}, for example "*/10 * * * * *".',
    );
  }
  const strange = fields.find((field) => !field.split(/[,/-]/u).every((part) => token.test(part)));
  if (strange !== undefined) return fault(`has a field that NCRONTAB does not know: "${strange}".`);
  try {
    // NCRONTAB wants both day fields to fit, where classic cron takes either.
    const cron = new Cron(fields.join(' '), {
      mode: '5-or-6-parts',
      timezone: 'UTC',
      domAndDow: true,
      paused: true,
    });
    return { ok: true, value: { expression, nextAfter: (at) => cron.nextRun(at) ?? undefined } };
  } catch (error) {
    return fault(`is not valid: ${messageOf(error)}`);
  }
}
