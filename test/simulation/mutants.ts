// Faults that the app could have, as changes of its source: each must be seen by the checks of the histories.

export type Mutant = {
  /** By what the app does wrong then. */
  readonly name: string;
  /** Below the root. */
  readonly file: `src/lib/${string}.ts`;
  /** Stands in the file once. */
  readonly find: string;
  readonly replace: string;
  /** Of the first history worth trying: those before it were seen not to meet the fault. */
  readonly seenFrom?: number;
};

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'deletes messages before the purge is on record',
    file: 'src/lib/use-cases/send-batch.ts',
    find: 'await records.savePurge(record);',
    replace: 'void records.savePurge(record).catch(() => undefined);',
  },
  {
    name: 'deletes a message when all of its targets but one are purged',
    file: 'src/lib/use-cases/progress.ts',
    find: 'if (left > 0)',
    replace: 'if (left > 1)',
  },
  {
    name: 'drops who joined a directory that covers what it needs',
    file: 'src/lib/core/coalesce.ts',
    find: 'for (const owner of owners) cover?.owners.add(owner);',
    replace: '',
  },
  {
    name: 'drops who joined a target that somebody else needs too',
    file: 'src/lib/core/coalesce.ts',
    find: 'known.claims.push(claim);',
    replace: '',
  },
  {
    name: 'leaves one file of a batch out',
    file: 'src/lib/core/purge-plan.ts',
    find: "files: urlsOf('file'),",
    replace: "files: urlsOf('file').slice(0, 1),",
  },
  {
    name: 'forgets to split a batch of which an item is refused',
    file: 'src/lib/use-cases/endpoint-turn.ts',
    find: 'const halves = halve(part);',
    replace: 'const halves = undefined;',
  },
  {
    name: 'sends the first half of a split batch twice and the other never',
    file: 'src/lib/core/batch-search.ts',
    find: '[toBatch([first, ...others]), toBatch([next, ...rest])]',
    replace: '[toBatch([first, ...others]), toBatch([first, ...others])]',
  },
  {
    name: 'spends without reserving',
    file: 'src/lib/core/quota-ledger.ts',
    find: '[...ledger.reservations, { id, at, days: quotaDays(at, policy), spent }]',
    replace: 'ledger.reservations',
  },
  {
    name: 'releases what is still on its way',
    file: 'src/lib/core/quota-ledger.ts',
    find: 'ledger.reservations.filter((one) => one.id !== id)',
    replace: '[]',
  },
  {
    name: 'lets events spend what is kept for people',
    file: 'src/lib/core/quota-purse.ts',
    find: 'Math.max(budget.keptForPeople - spendOf(budget, manual), 0)',
    replace: '0',
  },
  {
    name: 'knows no margin around a reset',
    file: 'src/lib/core/quota-days.ts',
    find: '[at - marginMs, at, at + marginMs]',
    replace: '[at]',
  },
  {
    name: 'guesses the reset instead of keeping both days',
    file: 'src/lib/core/quota-days.ts',
    find: 'POSSIBLE_OFFSETS: readonly number[] = [0, 8]',
    replace: 'POSSIBLE_OFFSETS: readonly number[] = [0]',
  },
  {
    name: 'writes the ledger over what somebody else wrote',
    file: 'src/lib/use-cases/reserve-quota.ts',
    find: 'ledgers.save(subscription, changed, current.etag)',
    replace: 'ledgers.save(subscription, changed, (await ledgers.load(subscription)).etag)',
  },
  {
    name: 'takes an unknown outcome for an unspent one',
    file: 'src/lib/use-cases/send-within-quota.ts',
    find: "result.outcome.outcomeClass === 'unknown'",
    replace: 'false',
  },
  {
    name: 'does not write the poison entry',
    file: 'src/lib/use-cases/flush-round.ts',
    find: 'await buffer.poison(',
    replace: 'void (',
  },
  {
    name: 'names on a request only what was purged for it by its own name',
    file: 'src/lib/use-cases/request-progress.ts',
    find: 'serves(target, one, target.matching)',
    replace: 'target.url === one.url',
  },
  {
    name: 'ends a request though one of its purges could not be noted',
    file: 'src/lib/use-cases/request-purge.ts',
    find: 'done.includes(owner) && !isUnnoted',
    replace: 'done.includes(owner)',
    seenFrom: 1700,
  },
  {
    name: 'answers a repeated request without writing its message again',
    file: 'src/lib/use-cases/request-purge.ts',
    find: "if (state === 'waiting' && !isHeardOf)",
    replace: 'if (false)',
  },
  {
    name: 'counts a wait as an attempt',
    file: 'src/lib/use-cases/progress.ts',
    find: "tried: result.kind === 'tried',",
    replace: 'tried: true,',
  },
  {
    name: 'takes out of the backlog what joined an entry while its purge was under way',
    file: 'src/lib/core/backlog.ts',
    find: 'entries.get(keyOf(entry))?.revision === entry.revision',
    replace: 'entries.has(keyOf(entry))',
    seenFrom: 250,
  },
  {
    name: 'deletes the messages of what joins the backlog though it was not saved',
    file: 'src/lib/use-cases/flush-round.ts',
    find: 'if (left !== undefined) {',
    replace: 'if (true) {',
  },
  {
    name: 'sends more purges than may be in flight',
    file: 'src/lib/use-cases/purges-in-flight.ts',
    find: 'inFlight.length < purgesInFlight',
    replace: 'inFlight.length < 9',
  },
  {
    name: 'takes what is further below for purged where directory purges do not reach it',
    file: 'src/lib/core/coalesce.ts',
    find: 'if (matching?.reachesBelow === false) {',
    replace: 'if (false) {',
  },
  {
    name: 'purges a directory on hosts where nobody needs it',
    file: 'src/lib/core/listed-hosts.ts',
    find: 'Map.groupBy(directories, keyOf)',
    replace: "Map.groupBy(directories, () => '')",
  },
];
