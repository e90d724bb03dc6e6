// Finds the CDN endpoint of every target.

import type { CoalescedTarget } from '../core/coalesce.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import type { LocatedTarget } from '../core/purge-plan.ts';
import type { PurgeProvider } from './ports.ts';

export type Located<O> = {
  readonly located: readonly {
    readonly provider: PurgeProvider;
    readonly targets: readonly LocatedTarget<O>[];
  }[];
  /** Targets without an endpoint, one entry for each CDN and host. */
  readonly lost: readonly {
    readonly outcome: NotAccepted;
    readonly targets: readonly CoalescedTarget<O>[];
  }[];
};

/**
 * Takes targets and the providers by CDN, asks the provider once for each host whose endpoint is not configured. What
 * is located keeps the order of the targets: where the quota is short, the oldest change is served on all its hosts.
 */
export async function locateTargets<O>(
  targets: readonly CoalescedTarget<O>[],
  providers: ReadonlyMap<string, PurgeProvider>,
): Promise<Located<O>> {
  const byCdn = await Promise.all(
    [...Map.groupBy(targets, ({ target }) => target.cdn)].map(async ([cdn, ofCdn]) => {
      const provider = providers.get(cdn);
      if (provider === undefined) throw new Error(`no provider was built for the CDN "${cdn}"`);
      const byHost = await Promise.all(
        [...Map.groupBy(ofCdn, ({ target }) => `${target.host} ${target.endpointId}`).values()].map(
          (ofHost) => locateHost(ofHost, provider),
        ),
      );
      return { provider, byHost, order: new Map(ofCdn.map(({ target }, index) => [target, index])) };
    }),
  );
  return {
    located: byCdn.map(({ provider, byHost, order }) => ({
      provider,
      targets: byHost
        .flatMap((host) => (host.kind === 'located' ? host.targets : []))
        .toSorted((a, b) => (order.get(a.target) ?? 0) - (order.get(b.target) ?? 0)),
    })),
    lost: byCdn.flatMap(({ byHost }) => byHost.filter((host) => host.kind === 'lost')),
  };
}

type LocatedHost<O> =
  | { readonly kind: 'located'; readonly targets: readonly LocatedTarget<O>[] }
  | { readonly kind: 'lost'; readonly outcome: NotAccepted; readonly targets: readonly CoalescedTarget<O>[] };

/** Takes targets of one host on one CDN, with one endpoint id or none. */
async function locateHost<O>(
  targets: readonly CoalescedTarget<O>[],
  provider: PurgeProvider,
): Promise<LocatedHost<O>> {
  const [first] = targets;
  if (first === undefined) return { kind: 'located', targets: [] };
  const { host, endpointId } = first.target;
  if (endpointId !== undefined) {
    return { kind: 'located', targets: targets.map((one) => ({ ...one, endpointId })) };
  }
  const found = await provider.findEndpoint(host);
  return found.ok
    ? { kind: 'located', targets: targets.map((one) => ({ ...one, endpointId: found.value })) }
    : { kind: 'lost', outcome: found.error, targets };
}
