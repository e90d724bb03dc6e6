// What a CDN takes at most, as data: the China CDN so many files and so many directories a day, Front Door so many
// paths a call.

/** perFile × files + perDirectory × directories ≤ limit, in a day or in a call. */
export type PurgeBudget = {
  readonly perFile: number;
  readonly perDirectory: number;
  readonly limit: number;
  readonly per: 'day' | 'call';
};

/** Units of a day's budget. */
export type DayBudget = PurgeBudget & {
  readonly per: 'day';
  /** Of the limit, what blob events may never spend. */
  readonly keptForPeople: number;
};

/** What so many files and directories take of a budget. */
export function spendOf(
  { perFile, perDirectory }: Pick<PurgeBudget, 'perFile' | 'perDirectory'>,
  { files, directories }: { readonly files: number; readonly directories: number },
): number {
  return product(perFile, files) + product(perDirectory, directories);
}

/** None of something without an end is none of it. */
const product = (each: number, count: number): number => (each === 0 ? 0 : each * count);
