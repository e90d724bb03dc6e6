// Finds the CDN endpoint of every target.

import type { CoalescedTarget } from '../core/coalesce.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import type { LocatedTarget } from '../core/purge-plan.ts';
import type { PurgeProvider } from './ports.ts';
import type { Place } from './stop-sending.ts';

export type Located<O> = {
  readonly located: readonly {
    readonly provider: PurgeProvider;
    readonly targets: readonly LocatedTarget<O>[];
  }[];
  /** Hosts without an endpoint. */
  readonly lost: readonly {
    readonly outcome: NotAccepted;
    readonly provider: PurgeProvider;
    readonly ofHost: TargetsOfHost<O>;
  }[];
};

/** Targets of one host on one CDN, with one endpoint id or none. */
export type TargetsOfHost<O> = {
  readonly cdn: string;
  readonly host: string;
  readonly endpointId: string | undefined;
  readonly targets: readonly CoalescedTarget<O>[];
};

/**
 * Takes targets and the providers by CDN, asks the provider once for each host whose endpoint is not configured. What
 * is located keeps the order of the targets: where the quota is short, the oldest change is served on all its hosts.
 */
export async function locateTargets<O>(
  targets: readonly CoalescedTarget<O>[],
  providers: ReadonlyMap<string, PurgeProvider>,
): Promise<Located<O>> {
  const order = new Map(targets.map(({ target }, index) => [target, index]));
  const byHost = await Promise.all(
    groupByHost(targets).map(async (ofHost) => {
      const provider = providers.get(ofHost.cdn);
      if (provider === undefined) throw new Error(`no provider was built for the CDN "${ofHost.cdn}"`);
      const { endpointId } = ofHost;
      const found =
        endpointId === undefined
          ? await provider.findEndpoint(ofHost.host)
          : ({ ok: true, value: endpointId } as const);
      return { ofHost, provider, found };
    }),
  );
  const located = new Map<PurgeProvider, LocatedTarget<O>[]>();
  const lost: Located<O>['lost'][number][] = [];
  for (const { ofHost, provider, found } of byHost) {
    if (!found.ok) {
      lost.push({ outcome: found.error, provider, ofHost });
      continue;
    }
    const ofProvider = located.get(provider) ?? [];
    for (const target of ofHost.targets) ofProvider.push({ ...target, endpointId: found.value });
    located.set(provider, ofProvider);
  }
  return {
    located: [...located].map(([provider, ofProvider]) => ({
      provider,
      targets: ofProvider.toSorted((a, b) => (order.get(a.target) ?? 0) - (order.get(b.target) ?? 0)),
    })),
    lost,
  };
}

export function groupByHost<O>(targets: readonly CoalescedTarget<O>[]): readonly TargetsOfHost<O>[] {
  const byHost = Map.groupBy(targets, ({ target }) => `${target.cdn} ${target.host} ${target.endpointId}`);
  return [...byHost.values()].flatMap((ofHost) =>
    ofHost.slice(0, 1).map(({ target: { cdn, host, endpointId } }) => ({
      cdn,
      host,
      endpointId,
      targets: ofHost,
    })),
  );
}

/** Where sending stops when the host's endpoint cannot be found. */
export function placeOfHost<O>({ cdn, host }: TargetsOfHost<O>, { subscription }: PurgeProvider): Place {
  return { cdn, where: { kind: 'host', host }, subscription };
}
