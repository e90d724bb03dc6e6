// Which labels no other beats: the least cost by number of directories, for labels that come in order of size.

/** The least cost seen with so many directories or fewer: a Fenwick tree of minima. */
export class ParetoFront {
  readonly #least: Float64Array;
  readonly #stamp: Int32Array;
  #now = 0;

  constructor(mostDirectories: number) {
    this.#least = new Float64Array(mostDirectories + 2);
    this.#stamp = new Int32Array(mostDirectories + 2);
  }

  clear(): void {
    this.#now += 1;
  }

  isBeaten(directories: number, cost: number): boolean {
    for (let at = directories + 1; at > 0; at -= at & -at) {
      if (this.#stamp[at] === this.#now && (this.#least[at] ?? Infinity) <= cost) return true;
    }
    return false;
  }

  add(directories: number, cost: number): void {
    for (let at = directories + 1; at < this.#least.length; at += at & -at) {
      if (this.#stamp[at] === this.#now && (this.#least[at] ?? Infinity) <= cost) continue;
      this.#stamp[at] = this.#now;
      this.#least[at] = cost;
    }
  }
}
