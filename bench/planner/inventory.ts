// What stands at a host at this moment of the replay: the truth that evictions are counted by.

import { directoriesOf } from './directories-of.ts';
import type { Deployment } from './trace.ts';

export class Inventory {
  readonly #objects = new Set<string>();
  readonly #countBelow = new Map<string, number>();

  deploy({ puts, deletes }: Deployment): void {
    for (const path of puts) {
      if (!this.#objects.has(path)) this.#add(path, 1);
      this.#objects.add(path);
    }
    for (const path of deletes) {
      if (this.#objects.delete(path)) this.#add(path, -1);
    }
  }

  has(path: string): boolean {
    return this.#objects.has(path);
  }

  /** Objects in the directory and below it. */
  countBelow(directory: string): number {
    return this.#countBelow.get(directory) ?? 0;
  }

  #add(path: string, by: 1 | -1): void {
    for (const directory of directoriesOf(path)) {
      this.#countBelow.set(directory, this.countBelow(directory) + by);
    }
  }
}
