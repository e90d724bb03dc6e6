// What the in-memory ports were asked to do, in order, and the faults that a test puts in their way.

import { StorageTrouble } from '../../src/lib/use-cases/ports.ts';

export type Effect = {
  readonly port: 'buffer' | 'records' | 'cdn';
  readonly call:
    | 'add'
    | 'receive'
    | 'complete'
    | 'hide'
    | 'put-back'
    | 'dead-letter'
    | 'load-ledger'
    | 'save-ledger'
    | 'poison'
    | 'save-purge'
    | 'find-due'
    | 'find-open'
    | 'read-open'
    | 'update-open'
    | 'close-purge'
    | 'read-purge'
    | 'create-request'
    | 'read-request'
    | 'update-request'
    | 'find-key'
    | 'claim-key'
    | 'find-endpoint'
    | 'submit'
    | 'read-progress'
    | 'find-recent'
    | 'list-day'
    | 'load-backlog'
    | 'save-backlog'
    | 'acquire-lease';
  /** Message id, record id, host, endpoint id or task id; empty for a receive. */
  readonly of: string;
};

/** Gives the error that a call fails with, or undefined to let it through. */
export type Fault = (effect: Effect) => Error | undefined;

export type Journal = {
  readonly effects: readonly Effect[];
  /** `call of` for each effect of the named calls, or of all. */
  readonly lines: (...calls: readonly Effect['call'][]) => readonly string[];
  readonly count: (call: Effect['call']) => number;
  /** From now on calls fail as the fault says; undefined lets all through again. */
  readonly failBy: (fault: Fault | undefined) => void;
  readonly clear: () => void;
  /** For the ports: notes an effect, and throws where a fault says so. */
  readonly note: (effect: Effect) => void;
};

export function createJournal(): Journal {
  const effects: Effect[] = [];
  let fault: Fault | undefined;
  return {
    effects,
    lines: (...calls) =>
      effects
        .filter(({ call }) => calls.length === 0 || calls.includes(call))
        .map(({ call, of }) => `${call} ${of}`.trimEnd()),
    count: (call) => effects.filter((effect) => effect.call === call).length,
    failBy(next) {
      fault = next;
    },
    clear() {
      effects.length = 0;
    },
    note(effect) {
      effects.push(effect);
      const error = fault?.(effect);
      if (error !== undefined) throw error;
    },
  };
}

/** A fault that is storage trouble for calls of these names, the first `times` of them. */
export function storageOutFor(calls: readonly Effect['call'][], times = Infinity): Fault {
  let left = times;
  return ({ call }) => {
    if (!calls.includes(call) || left <= 0) return undefined;
    left -= 1;
    return new StorageTrouble(`no storage for ${call}`);
  };
}
