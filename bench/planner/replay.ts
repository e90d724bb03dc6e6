// Replays a workload under one method: what it spends, what it evicts, and for how long changes stay stale.
//
// Nothing that a method says is taken on trust: units, coverage, policy and evictions are counted here.

import { evictsOf } from './evicts-of.ts';
import type { Inventory } from './inventory.ts';
import type { Decision, Due, Method, Moment, Units } from './method.ts';
import { DAY_HOURS, needOf, type Workload } from './workload.ts';
import type { Policy } from '../../src/lib/core/planner/problem.ts';

export type Rules = { readonly limits: Units; readonly policy: Policy };

/** A file at a site of which an edge may hold an old copy. */
type Stale = { readonly site: string; readonly path: string; readonly changedAtHours: number[] };

export type DayResult = {
  readonly spent: Units;
  readonly evicted: number;
  /** Changes that wait over the day's end. */
  readonly waiting: number;
  readonly changes: number;
};

export type ReplayResult = {
  readonly days: readonly DayResult[];
  /** Of each change, in the order of the purges; what waits at the end is stale up to the end. */
  readonly staleHours: readonly StaleChange[];
  readonly planningMs: readonly number[];
  /** By day, then by site. */
  readonly waitingByDay: readonly ReadonlyMap<string, number>[];
  readonly fileUnitsByDay: readonly ReadonlyMap<string, number>[];
};

export type StaleChange = { readonly site: string; readonly hours: number };

/** Shortest time between two flushes, as the app's timer has it. */
const FLUSH_HOURS = 10 / 3600;

/** Takes days of deployments, the rules and a method, gives what came of it. Throws when the method breaks a rule. */
export function replay(workload: Workload, rules: Rules, method: Method): ReplayResult {
  return new Replay(workload, rules, method).run();
}

class Replay {
  readonly #workload: Workload;
  readonly #rules: Rules;
  readonly #method: Method;
  readonly #inventories: ReadonlyMap<string, Inventory>;
  /** By site, then by path; oldest first. */
  readonly #stale = new Map<string, Map<string, Stale>>();
  readonly #staleHours: StaleChange[] = [];
  readonly #planningMs: number[] = [];
  readonly #fileUnits: Map<string, number>[] = [];
  readonly #waitingByDay: Map<string, number>[] = [];
  readonly #daysBefore: Units[] = [];
  #spentToday = new Map<string, number>();
  #left: { files: number; directories: number };
  #evictedToday = 0;
  #nowHours = 0;

  constructor(workload: Workload, rules: Rules, method: Method) {
    this.#workload = workload;
    this.#rules = rules;
    this.#method = method;
    this.#inventories = workload.startInventories();
    this.#left = { ...rules.limits };
  }

  run(): ReplayResult {
    const days = this.#workload.days.map((arrivals, day) => {
      const startsAtHours = day * DAY_HOURS;
      this.#left = { ...this.#rules.limits };
      this.#evictedToday = 0;
      this.#fileUnits.push(new Map());
      this.#spentToday = new Map();
      this.#nowHours = startsAtHours;
      let changes = 0;
      let againAtHours = this.#waiting() === 0 ? undefined : this.#flush(startsAtHours);
      for (const { site, atHours, deployment } of arrivals) {
        againAtHours = this.#flushUntil(startsAtHours + atHours, startsAtHours, againAtHours);
        this.#nowHours = startsAtHours + atHours;
        this.#inventoryOf(site).deploy(deployment);
        for (const path of [...deployment.puts, ...deployment.deletes]) this.#change(site, path);
        changes += deployment.puts.length + deployment.deletes.length;
        againAtHours = this.#flush(startsAtHours);
      }
      this.#flushUntil(startsAtHours + DAY_HOURS, startsAtHours, againAtHours);
      this.#nowHours = startsAtHours + DAY_HOURS;
      this.#waitingByDay.push(this.#waitingBySite());
      const { files, directories } = this.#rules.limits;
      const spent = { files: files - this.#left.files, directories: directories - this.#left.directories };
      this.#daysBefore.push(spent);
      return {
        spent,
        evicted: this.#evictedToday,
        waiting: this.#waiting(),
        changes,
      };
    });
    for (const stale of this.#allStale()) this.#settle(stale);
    return {
      days,
      staleHours: this.#staleHours,
      planningMs: this.#planningMs,
      waitingByDay: this.#waitingByDay,
      fileUnitsByDay: this.#fileUnits,
    };
  }

  /** Asks the method at the times that it wished for, up to a time. */
  #flushUntil(endHours: number, startsAtHours: number, firstHours: number | undefined): number | undefined {
    let wishHours = firstHours;
    while (wishHours !== undefined && this.#waiting() > 0) {
      const atHours = Math.max(startsAtHours + wishHours, this.#nowHours + FLUSH_HOURS);
      if (atHours >= endHours) return wishHours;
      this.#nowHours = atHours;
      wishHours = this.#flush(startsAtHours);
    }
    return wishHours;
  }

  #flush(startsAtHours: number): number | undefined {
    const moment = this.#moment(startsAtHours);
    const startedAt = performance.now();
    const decision = this.#method.decide(moment);
    this.#planningMs.push(performance.now() - startedAt);
    this.#spend(decision, moment);
    return decision.againAtHours;
  }

  #moment(startsAtHours: number): Moment {
    const due = this.#allStale()
      .toSorted((a, b) => firstOf(a) - firstOf(b))
      .map(({ site, path, changedAtHours }, id): Due => ({
        id,
        site,
        path,
        ageHours: this.#nowHours - (changedAtHours[0] ?? this.#nowHours),
        spentToday: this.#spentToday.get(`${site}${path}`) ?? 0,
      }));
    return {
      atHours: this.#nowHours - startsAtHours,
      left: { ...this.#left },
      limits: this.#rules.limits,
      daysBefore: this.#daysBefore,
      due,
      policy: this.#rules.policy,
      evicts: evictsOf(due, (site) => this.#inventoryOf(site)),
    };
  }

  #spend({ files, directories }: Decision, { due, evicts, policy }: Moment): void {
    const filesADirectory = this.#rules.limits.files / Math.max(this.#rules.limits.directories, 1);
    for (const { site, directory } of directories) {
      if (!policy.isAllowed(site, directory))
        throw new Error(`${this.#method.name}: ${directory} not allowed`);
      this.#evictedToday += evicts(site, directory) ?? 0;
      this.#left.directories -= 1;
      const covered = [...(this.#stale.get(site)?.values() ?? [])].filter(({ path }) =>
        path.startsWith(directory),
      );
      const part = filesADirectory / Math.max(covered.length, 1);
      for (const stale of covered) {
        const key = `${site}${stale.path}`;
        this.#spentToday.set(key, (this.#spentToday.get(key) ?? 0) + part);
        this.#settle(stale);
      }
    }
    for (const id of files) {
      const target = due[id];
      const stale = target === undefined ? undefined : this.#stale.get(target.site)?.get(target.path);
      if (stale === undefined) throw new Error(`${this.#method.name}: purges a file that is not due`);
      const key = `${stale.site}${stale.path}`;
      this.#spentToday.set(key, (this.#spentToday.get(key) ?? 0) + 1);
      const units = this.#fileUnits.at(-1);
      units?.set(stale.site, (units.get(stale.site) ?? 0) + 1);
      this.#left.files -= 1;
      this.#settle(stale);
    }
    if (this.#left.files < 0 || this.#left.directories < 0)
      throw new Error(`${this.#method.name}: overspends`);
  }

  #change(site: string, path: string): void {
    const ofSite = this.#stale.get(site) ?? new Map<string, Stale>();
    this.#stale.set(site, ofSite);
    const known = ofSite.get(path);
    if (known === undefined) ofSite.set(path, { site, path, changedAtHours: [this.#nowHours] });
    else known.changedAtHours.push(this.#nowHours);
  }

  #settle({ site, path, changedAtHours }: Stale): void {
    this.#stale.get(site)?.delete(path);
    for (const atHours of changedAtHours) this.#staleHours.push({ site, hours: this.#nowHours - atHours });
  }

  #waiting(): number {
    return [...this.#waitingBySite().values()].reduce((sum, count) => sum + count, 0);
  }

  #waitingBySite(): Map<string, number> {
    return new Map(
      [...this.#stale].map(([site, ofSite]) => [
        site,
        [...ofSite.values()].reduce((sum, { changedAtHours }) => sum + changedAtHours.length, 0),
      ]),
    );
  }

  #allStale(): Stale[] {
    return [...this.#stale.values()].flatMap((ofSite) => [...ofSite.values()]);
  }

  #inventoryOf(site: string): Inventory {
    return needOf(this.#inventories, site);
  }
}

function firstOf({ changedAtHours }: Stale): number {
  return changedAtHours[0] ?? 0;
}
