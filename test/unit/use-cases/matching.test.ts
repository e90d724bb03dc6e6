// What a purge covers on CDNs that take some URLs for the same, from the message to the record.

import { describe, expect, it } from 'vitest';

import { EXACT_MATCHING, type UrlMatching } from '../../../src/lib/core/capabilities.ts';
import { requestPurge } from '../../../src/lib/use-cases/request-purge.ts';
import { flushPurges } from '../../../src/lib/use-cases/flush-purges.ts';
import { createHolds } from '../../../src/lib/use-cases/holds.ts';
import { createLooks } from '../../../src/lib/use-cases/looks.ts';
import { createRecentPurges } from '../../../src/lib/use-cases/recent-purges.ts';
import {
  aChange,
  aConfiguration,
  aFailure,
  anAcceptance,
  aRule,
  aRuleHost,
  aUrlAsk,
} from '../../support/builders.ts';
import { createWorld, VISIBILITY_MS, type World } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const LOOSE: UrlMatching = { ignoresCase: true, ignoresQuery: true, ignoresScheme: true, reachesBelow: true };
const SHALLOW: UrlMatching = { ...EXACT_MATCHING, reachesBelow: false };

const matched = (matching: UrlMatching | undefined) =>
  aConfiguration({ rules: [aRule({ hosts: [aRuleHost({ matching })] })] });

const url = (name: string): string => `http://www.example.cn/media/${name}`;

const waiting = (world: World) => [...world.backlog.stored().entries.values()];

const ask = (world: World, ...directories: readonly string[]) =>
  requestPurge(
    { ask: aUrlAsk({ directories }), reason: undefined, idempotency: undefined },
    world.ports,
    world.run,
  );

const change = (name: string) => aChange({ name, eventId: `event-${name}` });

describe('names that differ only in case', () => {
  it('are one purge for all their changes', async () => {
    const world = createWorld({ configuration: matched(LOOSE) });
    await world.buffered(change('A.txt'), change('a.txt'), change('b.txt'));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('A.txt'), url('b.txt')]);
    expect(world.records.purges()[0]?.causes).toHaveLength(3);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('wait as one, also for a flush that has only what is stored', async () => {
    const world = createWorld({ configuration: matched(LOOSE) });
    world.cdn.answerBy(() => aFailure());
    await world.buffered(change('A.txt'));
    await world.flush();
    await world.buffered(change('a.txt'));
    await world.flush();
    expect(waiting(world)).toMatchObject([{ changes: 2 }]);
  });

  it('are not purged again after a crash', async () => {
    const world = createWorld({ configuration: matched(LOOSE) });
    await world.buffered(change('A.txt'), change('a.txt'));
    world.journal.failBy(storageOutFor(['complete']));
    await world.flush();
    world.journal.failBy(undefined);
    world.clock.advance(VISIBILITY_MS);
    const ports = {
      ...world.ports,
      holds: createHolds(),
      recent: createRecentPurges(),
      looks: createLooks(),
    };
    await flushPurges(ports, world.services.flushLimits, world.run);
    expect(world.cdn.purgedUrls()).toEqual([url('A.txt')]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('end a person’s request, by the URL that the person wrote, when somebody’s change is what was sent', async () => {
    const world = createWorld({ configuration: matched(LOOSE) });
    world.cdn.answerBy(() => aFailure());
    await world.buffered(change('d/A.txt'));
    await world.flush();
    world.clock.advance(1_000);
    const asked = { ask: aUrlAsk({ files: [url('d/a.txt')] }), reason: undefined, idempotency: undefined };
    await requestPurge(asked, world.ports, world.run);
    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(600_000);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('d/A.txt')]);
    expect(world.records.requests()).toMatchObject([
      { state: 'accepted', purges: [{ urls: [url('d/a.txt')] }] },
    ]);
  });
});

describe('a setting that was changed while something waited', () => {
  const changed = [
    { what: 'from all URLs apart to case ignored', before: undefined, after: LOOSE },
    { what: 'from case ignored to all URLs apart', before: LOOSE, after: undefined },
    { what: 'to directory purges that do not reach below', before: undefined, after: SHALLOW },
  ];

  it.each(changed)('leaves nothing behind: $what', async ({ before, after }) => {
    const world = createWorld({ configuration: matched(before) });
    world.cdn.answerBy(() => aFailure());
    await world.buffered(change('d/A.txt'), change('b'));
    await world.flush();
    world.configure(matched(after));
    await world.buffered(change('d/A.txt'), change('d/a.txt'));
    await world.flush();
    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(600_000);
    await world.flush();
    const purged = after === LOOSE ? ['d/A.txt', 'b'] : ['d/A.txt', 'b', 'd/a.txt'];
    expect(world.cdn.purgedUrls().toSorted()).toEqual(purged.map(url).toSorted());
    expect(waiting(world)).toEqual([]);
  });

  it('does not put one of two names that differ now in the place of the other', async () => {
    const world = createWorld({ configuration: matched(LOOSE) });
    world.cdn.answerBy(() => aFailure());
    await world.buffered(change('A.txt'));
    await world.flush();
    world.configure(matched(undefined));
    await world.buffered(change('a.txt'));
    await world.flush();
    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(600_000);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('A.txt'), url('a.txt')]);
  });

  it('keeps what lies further below from going with a person’s directory', async () => {
    const world = createWorld({ configuration: matched(undefined) });
    world.cdn.answerBy(() => aFailure());
    await world.buffered(change('d/a'), change('d/e/a'));
    await world.flush();
    world.configure(matched(SHALLOW));
    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(600_000);
    await ask(world, url('d/'));
    expect(world.cdn.purgedUrls()).toEqual([url('d/')]);
    expect(waiting(world)).toMatchObject([{ target: { url: url('d/e/a') } }]);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('d/'), url('d/e/a')]);
    expect(waiting(world)).toEqual([]);
  });
});
