// One heartbeat: looks at everything that may pile up, by a handful of storage calls, and tells of it.

import type { Configuration } from '../core/configuration.ts';
import { describeBeat, type HeartbeatFacts } from '../core/heartbeat.ts';
import {
  StorageTrouble,
  type ActivityStore,
  type BacklogStore,
  type Clock,
  type ConfigurationSource,
  type DeadLetterStore,
  type InventoryStore,
  type LedgerStore,
  type PurgeProvider,
  type PurgeRecords,
  type QueueWatch,
  type Run,
} from './ports.ts';

export type BeatPorts = {
  readonly configuration: ConfigurationSource;
  readonly providersFor: (configuration: Configuration) => ReadonlyMap<string, PurgeProvider>;
  readonly queues: QueueWatch;
  /** Undefined: Event Grid's dead letters are not read. */
  readonly deadLetters: Pick<DeadLetterStore, 'count'> | undefined;
  readonly backlog: Pick<BacklogStore, 'load'>;
  readonly ledgers: Pick<LedgerStore, 'load'>;
  readonly records: Pick<PurgeRecords, 'findOpenPurges'>;
  readonly inventory: Pick<InventoryStore, 'loadIndex'>;
  readonly activity: Pick<ActivityStore, 'load'>;
  readonly clock: Clock;
};

/**
 * One beat. With nothing to do it costs five storage calls: both queues, the backlog, the open purges, and when
 * containers changed; one more for each queue that has messages, for the dead letters, for each quota's ledger, and for
 * the inventory's index where directories are planned. Storage trouble leaves a gap; the beat names it, and the log
 * says why.
 */
export async function beat(ports: BeatPorts, run: Run): Promise<void> {
  const { queues, deadLetters, clock } = ports;
  const unseen: string[] = [];
  const see = async <T>(what: string, look: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof StorageTrouble)) throw error;
      unseen.push(what);
      run.log.warn('The heartbeat could not look at something: its figures are missing in this beat.', {
        what,
        error: error.message,
      });
      return undefined;
    }
  };
  const configuration = await ports.configuration.current();
  const [queue, poison, letters, backlog, openPurges, inventory, activity, ledgers] = await Promise.all([
    see('queue', queues.buffer),
    see('poison', queues.poison),
    deadLetters && see('dead-letters', deadLetters.count),
    see('backlog', async () => (await ports.backlog.load()).backlog),
    see('open-purges', ports.records.findOpenPurges),
    configuration.planner && see('inventory', () => loadListingTimes(ports)),
    see('activity', async () => (await ports.activity.load()).activity),
    see('quota', () => loadLedgers(configuration, ports)),
  ]);
  const { heartbeat, quotas, silences } = describeBeat(
    {
      queue,
      poison,
      deadLetters: letters,
      backlog,
      openPurges,
      inventory,
      activity,
      ledgers: ledgers ?? [],
      rules: configuration.rules,
      unseen: unseen.toSorted(),
    },
    clock.now(),
  );
  run.telemetry.track({ name: 'heartbeat', ...heartbeat });
  for (const quota of quotas) run.telemetry.track({ name: 'quota-state', ...quota });
  for (const silence of silences) run.telemetry.track({ name: 'container-silent', ...silence });
  await run.telemetry.flush();
}

async function loadListingTimes({ inventory }: BeatPorts): Promise<HeartbeatFacts['inventory']> {
  const { index } = await inventory.loadIndex();
  return [...index.values()].flatMap((containers) =>
    [...containers.values()].map((listed) => listed?.startedAt),
  );
}

/** Of each subscription once: CDNs of the configuration may share one. */
async function loadLedgers(
  configuration: Configuration,
  { providersFor, ledgers }: BeatPorts,
): Promise<HeartbeatFacts['ledgers']> {
  const policies = new Map(
    [...providersFor(configuration).values()].flatMap(({ subscription, quota }) =>
      quota === undefined ? [] : [[subscription, quota] as const],
    ),
  );
  return Promise.all(
    [...policies].map(async ([subscription, policy]) => {
      const { ledger } = await ledgers.load(subscription);
      return { subscription, policy, ledger };
    }),
  );
}
