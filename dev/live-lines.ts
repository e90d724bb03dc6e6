// One line on the terminal for each thing that happens in the local stack.

import colors from 'picocolors';

import type { LogEntry } from './processes/log-entry.ts';

/** Takes a log entry, gives its line, or undefined for what would only be noise. */
export function describeEntry(entry: LogEntry): string | undefined {
  const label = labelOf(entry);
  if (label === undefined) return undefined;
  const time = colors.dim(entry.at.slice(11, 19));
  const paint = entry.level === 'error' ? colors.red : entry.level === 'warn' ? colors.yellow : plain;
  return `${time}  ${label}  ${paint(entry.message)}${detailOf(entry)}`;
}

function labelOf({ source, event, level }: LogEntry): string | undefined {
  const isTrouble = level === 'warn' || level === 'error';
  switch (source) {
    case 'event-grid':
      if (event === 'event-delivered') return undefined; // told when it was published
      return colors.blue('event ');
    case 'cdn-api':
      return event === 'purge-accepted' || event === 'purge-ended' || isTrouble
        ? colors.green('purge ')
        : undefined;
    case 'cdn-edge':
      return level === 'debug' ? colors.dim('visit ') : colors.dim('edge  ');
    case 'functions':
      return level === 'debug' ? undefined : colors.magenta('app   ');
    case 'storage':
      return level === 'debug' ? undefined : colors.dim('store ');
  }
}

function detailOf(entry: LogEntry): string {
  const correlationId = entry['correlationId'];
  return typeof correlationId === 'string' ? colors.dim(`  correlation id ${correlationId}`) : '';
}

const plain = (text: string): string => text;
