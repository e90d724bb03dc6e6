// What the purge planner is asked, and what it answers: due targets, budgets and prices in, one plan out.

/** One due target; files only: a directory that is due as such goes as it is, beside the plan. */
export type DueFile = {
  /** The caller's own number for it, used in the answer. Each differs. */
  readonly id: number;
  /** What shares the root of a tree: CDN and host, such as `china http://www.example.cn`. */
  readonly site: string;
  /** `/dir/sub/a.txt`: its directories are what ends in `/`. A path that ends in `/` lies in itself. */
  readonly path: string;
  /** What leaving it waiting for want of quota costs (age, priority): above 0; 1 when all are equal. */
  readonly weight: number;
  /** Due members of a group go together or wait together. */
  readonly group?: string | undefined;
  /**
   * What leaving it waiting by choice costs, in evicted objects: it waits by choice where that is below the
   * price of a file and no directory takes it along. Not given: it never waits by choice.
   */
  readonly waitCost?: number | undefined;
};

/** A limit on spending: perFile × files + perDirectory × directories ≤ left. */
export type Budget = { readonly perFile: number; readonly perDirectory: number; readonly left: number };

/** Evicted objects that a unit is worth. What is 0 or less counts as `LEAST_PRICE`: a unit is never free. */
export type Prices = { readonly file: number; readonly directory: number };

export type Policy = {
  /** May this directory be purged as a whole? `everyDirectoryButTheRoot` is the default. */
  readonly isAllowed: (site: string, directory: string) => boolean;
  /** The fewest due files that are worth a directory purge. */
  readonly smallestDirectory: number;
  /** The most objects that one directory purge may evict. */
  readonly mostEvicted: number;
  /** The most URLs in one request, which is what a group must fit into; none when not given. */
  readonly urlsPerRequest?: number | undefined;
};

/** Objects standing in a directory, below it included, that are not due; undefined: not known, never free. */
export type Evicts = (site: string, directory: string) => number | undefined;

export type Problem = {
  readonly due: readonly DueFile[];
  readonly budgets: readonly Budget[];
  readonly prices: Prices;
  readonly policy: Policy;
  readonly evicts: Evicts;
  /** How many labels the exact search may handle before the best plan known is taken. A count, never a clock. */
  readonly workLimit: number;
};

/** Units and evicted objects of another way. */
export type Alternative = {
  readonly files: number;
  readonly directories: number;
  readonly evicts: number;
};

export type PlannedDirectory = {
  readonly site: string;
  readonly directory: string;
  /** The ids of the due files below it, ascending. */
  readonly covers: readonly number[];
  /** Objects below it that are not due. */
  readonly evicts: number;
  /** The cheapest other way to purge what it covers, at this plan's prices and shadow prices. */
  readonly alternative: Alternative;
};

/** Why a due file waits. */
export type WhyWaiting =
  /** No file is left for it, and no directory above it may be purged. */
  | { readonly kind: 'no-directory-allowed' }
  /** No file is left for it, and purging the topmost allowed directory above it saves less than what is purged. */
  | { readonly kind: 'budget-spent'; readonly directory: string; readonly covers: number }
  /** Waiting costs less than a file. */
  | { readonly kind: 'by-choice'; readonly waitCost: number; readonly price: number }
  /** It changes all day long: its next unit comes by the clock. */
  | { readonly kind: 'hot'; readonly spentToday: number }
  /** Of a new blob: nothing is left over that nobody else needs. */
  | { readonly kind: 'new-blob' }
  /** Others of its group wait. */
  | { readonly kind: 'group'; readonly group: string };

export type WaitingFile = { readonly id: number; readonly why: WhyWaiting };

/** What became of a group whose due members did not simply all go as files of one request. */
export type PlannedGroup = {
  readonly group: string;
  /** `split`: a directory purge takes some members along while there is no room for the others. */
  readonly how: 'waits' | 'directory' | 'consecutive-requests' | 'split';
};

/** Where the plan comes from. `exact` and `bound` are optimal; the others are the best of several candidates. */
export type PlanSource = 'bound' | 'exact' | 'lagrangian' | 'level-sweep' | 'greedy' | 'topmost';

export type Plan = {
  readonly directories: readonly PlannedDirectory[];
  /** Ids of the files to purge, ascending. */
  readonly files: readonly number[];
  /** In ascending order of ids. */
  readonly waiting: readonly WaitingFile[];
  readonly groups: readonly PlannedGroup[];
  /** Weight of what waits for want of quota, and the least that any plan leaves waiting (groups aside). */
  readonly waitingWeight: number;
  readonly leastWaiting: number;
  /** Unchanged objects evicted. */
  readonly evicts: number;
  /** evicts + units at their prices + the cost of waiting by choice (groups aside), and the least that it can be. */
  readonly cost: number;
  readonly bound: number;
  /** Evicted objects over the bound; 0 when exact. */
  readonly gap: number;
  readonly isExact: boolean;
  readonly source: PlanSource;
  /** What one more unit would save, in evicted objects, beyond its price. */
  readonly shadowPrices: Prices;
  /** Labels handled by the exact search. */
  readonly work: number;
  readonly longestLabelList: number;
};

/** The smallest price: with it a million units weigh less than one evicted object. A power of two, so sums are exact. */
export const LEAST_PRICE = 2 ** -20;

/** The default of `Policy.isAllowed`. */
export function everyDirectoryButTheRoot(_site: string, directory: string): boolean {
  return directory !== '/';
}

/**
 * Takes what is left of both quotas, gives prices that only break ties between plans that evict the same: a directory
 * is worth as many files as there are files left for each directory left.
 */
export function tieBreakingPrices(filesLeft: number, directoriesLeft: number): Prices {
  const ratio = Math.round(Math.max(filesLeft, 1) / Math.max(directoriesLeft, 1));
  return { file: LEAST_PRICE, directory: Math.min(Math.max(ratio, 1), 1024) * LEAST_PRICE };
}

/** A work limit that every plan of either published trace stays well below. */
export const DEFAULT_WORK_LIMIT = 300_000;
