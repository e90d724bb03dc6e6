// The host's log: levels by category as in host.json, one entry a message, safe to print.
import type { NewLogEntry } from '../processes/log-entry.ts';
import type { RpcLogLevel } from './core-contract.ts';

export interface HostMessage {
  /** For host.json's `logging.logLevel`: `Function.<name>`, `Function.<name>.User`, `Host`, `Worker`. */
  readonly category: string;
  readonly level: RpcLogLevel;
  /** kebab-name */
  readonly event: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** Shown as debug whatever its level: for lines that come with every tick of a timer. */
  readonly quiet?: boolean;
}

export type HostLog = (message: HostMessage) => void;

/** @param levels least level by category, as in host.json. The default is Information. */
export function createHostLog(
  levels: Readonly<Record<string, RpcLogLevel>>,
  sink: (entry: NewLogEntry) => void,
): HostLog {
  return ({ category, level, event, message, details, quiet = false }) => {
    if (severity[level] < severity[leastLevel(levels, category)] || level === 'none') return;
    sink({
      source: 'functions',
      level: quiet ? 'debug' : entryLevel[level],
      event,
      message: escapeControls(message),
      ...details,
    });
  };
}

/**
 * One line of harmless text: control characters (line ends and terminal escapes among them) and those that
 * reorder what follows are written as escapes.
 */
export function escapeControls(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/gu,
    (character) => shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const severity: Readonly<Record<RpcLogLevel, number>> = {
  trace: 0,
  debug: 1,
  information: 2,
  warning: 3,
  error: 4,
  critical: 5,
  none: 6,
};

const entryLevel: Readonly<Record<Exclude<RpcLogLevel, 'none'>, NewLogEntry['level']>> = {
  trace: 'debug',
  debug: 'debug',
  information: 'info',
  warning: 'warn',
  error: 'error',
  critical: 'error',
};

/** The longest category of the settings that is the given one or stands above it. */
function leastLevel(levels: Readonly<Record<string, RpcLogLevel>>, category: string): RpcLogLevel {
  const lowerCategory = category.toLowerCase();
  let best: { readonly length: number; readonly level: RpcLogLevel } = { length: -1, level: 'information' };
  for (const [name, level] of Object.entries(levels)) {
    const lowerName = name.toLowerCase();
    const isDefault = lowerName === 'default';
    const length = isDefault ? 0 : lowerName.length;
    const fits = isDefault || lowerCategory === lowerName || lowerCategory.startsWith(`${lowerName}.`);
    if (fits && length > best.length) best = { length, level };
  }
  return best.level;
}
