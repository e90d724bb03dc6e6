// Which host deploys what, and when: the days that a trace, or a mix of traces, makes.

import { seededRandom } from '../seeded-random.ts';
import { Inventory } from './inventory.ts';
import type { Deployment, Trace } from './trace.ts';

/** Hours of a day whose quota ends at its last. */
export const DAY_HOURS = 24;

export type Arrival = { readonly site: string; readonly atHours: number; readonly deployment: Deployment };

export type Workload = {
  readonly name: string;
  /** What stands at each host when the first day begins. The caller may change it. */
  readonly startInventories: () => ReadonlyMap<string, Inventory>;
  /** A day's deployments in order; hours since the day's reset. */
  readonly days: readonly (readonly Arrival[])[];
};

/** What one host replays: a trace from a deployment of it on. */
type Host = { readonly site: string; readonly trace: Trace; readonly from: number };

/** One host, `perDay` deployments a day, to the trace's end or for `days`. The first `skip` only build the site. */
export function replayOne(
  trace: Trace,
  {
    perDay,
    skip,
    days,
  }: { readonly perDay: number; readonly skip: number; readonly days?: number | undefined },
): Workload {
  const host: Host = { site: `https://${trace.name}.example`, trace, from: skip };
  const all = Math.ceil(Math.max(trace.deployments.length - skip, 0) / perDay);
  return {
    name: `${trace.name}, ${perDay} a day`,
    startInventories: () => inventoriesOf([host]),
    days: Array.from({ length: Math.min(all, days ?? all) }, (_, day) =>
      spread(deploymentsOf(host, day, perDay), perDay),
    ),
  };
}

export type MixPart = { readonly trace: Trace; readonly hosts: number };

export type MixOptions = {
  readonly perDay: number;
  readonly days: number;
  readonly skip: number;
  readonly seed: number;
};

/**
 * Many hosts, each `perDay` deployments a day: of one trace, each host starts at an offset of its own, evenly spaced
 * over what the days leave. A day's deployments are shuffled by the seed. Throws when the days need more than a trace has.
 */
export function replayMix(parts: readonly MixPart[], { perDay, days, skip, seed }: MixOptions): Workload {
  const hosts = parts.flatMap(({ trace, hosts: count }): Host[] => {
    const room = trace.deployments.length - skip - perDay * days;
    if (room < 0) throw new Error(`${trace.name}: ${days} days need ${-room} deployments more than it has`);
    return Array.from({ length: count }, (_, index) => ({
      site: `https://${trace.name}-${index + 1}.example`,
      trace,
      from: skip + Math.floor((index * room) / Math.max(count - 1, 1)),
    }));
  });
  const random = seededRandom(seed);
  return {
    name: `${parts.map(({ trace, hosts: count }) => `${count} x ${trace.name}`).join(' + ')}, ${perDay} a day`,
    startInventories: () => inventoriesOf(hosts),
    days: Array.from({ length: days }, (_, day) => {
      const deployments = hosts.flatMap((host) => deploymentsOf(host, day, perDay));
      shuffle(deployments, random);
      return spread(deployments, deployments.length);
    }),
  };
}

type Owned = { readonly site: string; readonly deployment: Deployment };

function deploymentsOf({ site, trace, from }: Host, day: number, perDay: number): Owned[] {
  const first = from + day * perDay;
  return trace.deployments.slice(first, first + perDay).map((deployment) => ({ site, deployment }));
}

/** Each in the middle of its share of the day: none falls on the reset. */
function spread(deployments: readonly Owned[], shares: number): Arrival[] {
  return deployments.map((owned, index) => ({ ...owned, atHours: ((index + 0.5) * DAY_HOURS) / shares }));
}

function shuffle(items: Owned[], random: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const [moved] = items.splice(other, 1);
    if (moved !== undefined) items.splice(last, 0, moved);
  }
}

/** The inventory of a site that deploys. */
export function needOf(inventories: ReadonlyMap<string, Inventory>, site: string): Inventory {
  const inventory = inventories.get(site);
  if (inventory === undefined) throw new Error(`${site}: deploys, but was never set up`);
  return inventory;
}

function inventoriesOf(hosts: readonly Host[]): ReadonlyMap<string, Inventory> {
  return new Map(
    hosts.map(({ site, trace, from }) => {
      const inventory = new Inventory();
      for (const deployment of trace.deployments.slice(0, from)) inventory.deploy(deployment);
      return [site, inventory];
    }),
  );
}
