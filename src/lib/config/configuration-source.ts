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
  /** A version was refused whole. Told once for each. */
  readonly onRefused: (problems: readonly ConfigurationProblem[], etag: string) => void;
  /** The document cannot be read; what is in force stays. Told once until it can be read again. */
  readonly onUnreadable: (reason: string, cause: unknown) => void;
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
        inForce ??= await startFromLastGood(version);
      }
      freshUntil = now() + refreshMs;
    } catch (error) {
      failure = error;
      freshUntil = now() + Math.min(refreshMs, START_RETRY_MS);
    }
  }

  async function startFromLastGood(version: NotGood): Promise<Configuration> {
    const text = await options.readLastGood().catch((cause: unknown) => {
      if (!lastGoodTold) options.onUnreadable('the last good configuration could not be read', cause);
      lastGoodTold = true;
      return undefined;
    });
    const lastGood = text === undefined ? undefined : parseAndCheck(text, options.check);
    if (lastGood?.ok === true) return lastGood.value;
    throw startFailure(version);
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

type NotGood =
  | { readonly kind: 'refused'; readonly problems: readonly ConfigurationProblem[] }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'trouble'; readonly cause: unknown };

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

  function unreadable(reason: string, cause: unknown): void {
    if (!unreadableTold) options.onUnreadable(reason, cause);
    unreadableTold = true;
  }

  return {
    async read() {
      let blob: ConfigurationBlob;
      try {
        blob = await options.readBlob(seenEtag);
      } catch (cause) {
        unreadable('the configuration blob could not be read', cause);
        return { kind: 'trouble', cause };
      }
      if (blob.kind === 'missing') {
        unreadable('the configuration blob does not exist', undefined);
        return { kind: 'missing' };
      }
      unreadableTold = false;
      // A start that failed on a refused version fails on it again, with the same problems.
      if (blob.kind === 'unchanged') return refused ?? { kind: 'unchanged' };
      seenEtag = blob.etag;
      const parsed = parseAndCheck(blob.text, options.check);
      if (parsed.ok) {
        refused = undefined;
        return { kind: 'good', configuration: parsed.value, text: blob.text, etag: blob.etag };
      }
      refused = { kind: 'refused', problems: parsed.error };
      options.onRefused(parsed.error, blob.etag);
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
