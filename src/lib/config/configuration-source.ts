// Which configuration is in force now. A faulty new version never replaces a good one.

import type { Configuration } from '../core/configuration.ts';
import type { Instant } from '../core/instant.ts';
import type { ConfigurationSource } from '../use-cases/ports.ts';
import { ConfigurationError } from './configuration-error.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';
import { parseConfigurationText, type ConfigurationResult } from './configuration.ts';

/** For a document that cannot change while the app runs: an app setting or a file. */
export function fixedConfiguration(configuration: Configuration): ConfigurationSource {
  return { current: () => Promise.resolve(configuration) };
}

export type ConfigurationBlob =
  | { readonly kind: 'read'; readonly text: string; readonly etag: string }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'missing' };

export type BlobConfigurationOptions = {
  /** Reads the document, unless its ETag is still this one. Throws when storage is in trouble. */
  readonly readBlob: (unlessEtag: string | undefined) => Promise<ConfigurationBlob>;
  /** Reads the durable copy of the last good document; undefined: there is none. */
  readonly readLastGood: () => Promise<string | undefined>;
  readonly writeLastGood: (text: string) => Promise<void>;
  /** How long a version is believed to be current, in milliseconds. Default: a minute. */
  readonly refreshMs?: number;
  readonly now: () => Instant;
  /** What else a version must satisfy, such as its app settings. Default: nothing. */
  readonly check?: (configuration: Configuration) => readonly ConfigurationProblem[];
  /** A version came into force. */
  readonly onTaken: (etag: string) => void;
  /** A version was refused whole. Told once for each. `inForce`: an earlier good one is worked by. */
  readonly onRefused: (problems: readonly ConfigurationProblem[], etag: string, inForce: boolean) => void;
  /** The document, or the last good one, cannot be read. Told once until it can be read again. `inForce`: as above. */
  readonly onUnreadable: (reason: string, cause: unknown, inForce: boolean) => void;
  /** The copy for the next first start could not be written; tried again at each refresh. Told once until it is. */
  readonly onNotKept: (cause: unknown) => void;
};

/**
 * For a document in a blob, read again by its ETag at most once a `refreshMs`, by one caller at a time.
 * `current` throws a ConfigurationError on a first start without any good version, and what `readBlob` threw when
 * storage is in trouble then; the start is tried again at the earliest after five seconds.
 */
export function blobConfiguration(options: BlobConfigurationOptions): ConfigurationSource {
  const { now, refreshMs = 60_000 } = options;
  const versions = versionReader(options);
  const keeper = lastGoodKeeper(options);
  let inForce: Configuration | undefined;
  let failure: unknown;
  let freshUntil: number | undefined;
  let refreshing: Promise<void> | undefined;
  let lastGoodTold = false;

  async function refresh(): Promise<void> {
    try {
      const version = await versions.read();
      if (version.kind === 'good') {
        inForce = version.configuration;
        options.onTaken(version.etag);
        await keeper.keep(version.text);
      } else {
        await keeper.retry();
        inForce ??= await readLastGood();
        version.tell(inForce !== undefined);
        if (inForce === undefined) throw startFailure(version);
      }
      freshUntil = now() + refreshMs;
    } catch (error) {
      failure = error;
      freshUntil = now() + Math.min(refreshMs, START_RETRY_MS);
    }
  }

  /** At a start: what to work by although the current version cannot be. */
  async function readLastGood(): Promise<Configuration | undefined> {
    const text = await options.readLastGood().catch((cause: unknown) => {
      if (!lastGoodTold) options.onUnreadable('the last good configuration could not be read', cause, false);
      lastGoodTold = true;
      return undefined;
    });
    const lastGood = text === undefined ? undefined : parseAndCheck(text, options.check);
    return lastGood?.ok === true ? lastGood.value : undefined;
  }

  return {
    async current() {
      if (freshUntil === undefined || now() >= freshUntil) {
        refreshing ??= refresh().finally(() => {
          refreshing = undefined;
        });
        await refreshing;
      }
      if (inForce === undefined) throw failure;
      return inForce;
    },
  };
}

/** A start that failed is tried again sooner than a good version is checked, but not by every caller. */
const START_RETRY_MS = 5_000;

type NotGood = (
  | { readonly kind: 'refused'; readonly problems: readonly ConfigurationProblem[] }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'trouble'; readonly cause: unknown }
) & {
  /** Tells the operator, unless that was done. Called when it is known whether anything is in force. */
  readonly tell: (inForce: boolean) => void;
};

type Version =
  | {
      readonly kind: 'good';
      readonly configuration: Configuration;
      readonly text: string;
      readonly etag: string;
    }
  | NotGood;

/** Reads the blob and judges it: each version once. */
function versionReader(options: BlobConfigurationOptions): { readonly read: () => Promise<Version> } {
  let seenEtag: string | undefined;
  let refused: NotGood | undefined;
  let unreadableTold = false;

  function tellUnreadable(reason: string, cause: unknown): NotGood['tell'] {
    return (inForce) => {
      if (!unreadableTold) options.onUnreadable(reason, cause, inForce);
      unreadableTold = true;
    };
  }

  function tellRefused(problems: readonly ConfigurationProblem[], etag: string): NotGood['tell'] {
    let told = false;
    return (inForce) => {
      if (!told) options.onRefused(problems, etag, inForce);
      told = true;
    };
  }

  return {
    async read() {
      let blob: ConfigurationBlob;
      try {
        blob = await options.readBlob(seenEtag);
      } catch (cause) {
        return {
          kind: 'trouble',
          cause,
          tell: tellUnreadable('the configuration blob could not be read', cause),
        };
      }
      if (blob.kind === 'missing') {
        return { kind: 'missing', tell: tellUnreadable('the configuration blob does not exist', undefined) };
      }
      unreadableTold = false;
      // A start that failed on a refused version fails on it again, with the same problems.
      if (blob.kind === 'unchanged') return refused ?? { kind: 'unchanged', tell: () => undefined };
      seenEtag = blob.etag;
      const parsed = parseAndCheck(blob.text, options.check);
      if (parsed.ok) {
        refused = undefined;
        return { kind: 'good', configuration: parsed.value, text: blob.text, etag: blob.etag };
      }
      refused = { kind: 'refused', problems: parsed.error, tell: tellRefused(parsed.error, blob.etag) };
      return refused;
    },
  };
}

type LastGoodKeeper = {
  readonly keep: (text: string) => Promise<void>;
  readonly retry: () => Promise<void>;
};

/** Writes the durable copy, and again at the next chance when that fails. */
function lastGoodKeeper({ writeLastGood, onNotKept }: BlobConfigurationOptions): LastGoodKeeper {
  let unkept: string | undefined;
  let told = false;

  async function retry(): Promise<void> {
    if (unkept === undefined) return;
    try {
      await writeLastGood(unkept);
      unkept = undefined;
      told = false;
    } catch (cause) {
      if (!told) onNotKept(cause);
      told = true;
    }
  }

  return {
    retry,
    keep(text) {
      unkept = text;
      return retry();
    },
  };
}

function parseAndCheck(text: string, check: BlobConfigurationOptions['check']): ConfigurationResult {
  const parsed = parseConfigurationText(text);
  if (!parsed.ok) return parsed;
  const problems = check?.(parsed.value) ?? [];
  return problems.length === 0 ? parsed : { ok: false, error: problems };
}

function startFailure(version: NotGood): unknown {
  switch (version.kind) {
    case 'refused':
      return new ConfigurationError(version.problems);
    case 'missing':
      return new ConfigurationError([{ path: '', message: 'the configuration blob does not exist' }]);
    case 'trouble':
      return version.cause;
    case 'unchanged':
      return new Error('storage says that a configuration is unchanged which was never read');
  }
}
