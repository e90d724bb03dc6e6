// Event Grid's dead-letter container in memory, with versions as blobs have them.

import { StorageTrouble, type DeadLetterStore, type KeptDeadLetter } from '../../src/lib/use-cases/ports.ts';

export type StoredDeadLetter = {
  readonly text: string;
  readonly version: string;
  /** Undefined: nobody has read it. */
  readonly kept: Pick<KeptDeadLetter, 'reasons' | 'at'> | undefined;
};

export type InMemoryDeadLetters = DeadLetterStore & {
  readonly put: (name: string, content: unknown) => void;
  readonly stored: (name: string) => StoredDeadLetter | undefined;
  readonly names: () => readonly string[];
  /** `call name`, in order. */
  readonly calls: readonly string[];
  /** From now on these calls are storage trouble; none: all is well again. */
  readonly fail: (...calls: readonly string[]) => void;
};

export function createInMemoryDeadLetters(): InMemoryDeadLetters {
  const blobs = new Map<string, StoredDeadLetter>();
  const calls: string[] = [];
  let failing: readonly string[] = [];
  let versions = 0;
  const nextVersion = (): string => `version-${(versions += 1)}`;
  const note = (call: string): void => {
    calls.push(call);
    if (failing.includes(call)) throw new StorageTrouble(`no storage for ${call}`);
  };
  return {
    calls,
    put(name, content) {
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      blobs.set(name, { text, version: nextVersion(), kept: undefined });
    },
    stored: (name) => blobs.get(name),
    names: () => [...blobs.keys()],
    fail(...next) {
      failing = next;
    },

    async find(which, most) {
      note(`find ${which}`);
      return [...blobs]
        .filter(([, { kept }]) => (kept !== undefined) === (which === 'kept'))
        .slice(0, most)
        .map(([name, { text }]) => ({ name, bytes: Buffer.byteLength(text) }));
    },
    async count() {
      note('count');
      const kept = [...blobs.values()].filter((blob) => blob.kept !== undefined).length;
      return { unread: blobs.size - kept, kept };
    },
    async read(name) {
      note(`read ${name}`);
      const blob = blobs.get(name);
      return blob === undefined ? undefined : { text: blob.text, version: blob.version };
    },
    async remove(name, version) {
      note(`remove ${name}`);
      return blobs.get(name)?.version === version && blobs.delete(name);
    },
    async keep(name, { version, text, reasons, at }) {
      note(`keep ${name}`);
      const blob = blobs.get(name);
      if (blob === undefined || (version !== undefined && blob.version !== version)) return false;
      blobs.set(name, { text: text ?? blob.text, version: nextVersion(), kept: { reasons, at } });
      return true;
    },
    async release(name) {
      note(`release ${name}`);
      const blob = blobs.get(name);
      if (blob !== undefined) blobs.set(name, { ...blob, version: nextVersion(), kept: undefined });
    },
  };
}
