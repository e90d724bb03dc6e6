// Event Grid's dead letters: what can be taken is purged after all, what cannot stays with the reason.

import { describe, expect, it } from 'vitest';

import { parseDeadLetters } from '../../../src/lib/handlers/parse-dead-letters.ts';
import { readDeadLetters, type DeadLetterPorts } from '../../../src/lib/use-cases/read-dead-letters.ts';
import { releaseDeadLetters } from '../../../src/lib/use-cases/release-dead-letters.ts';
import { ACCOUNT, aConfiguration, aRule } from '../../support/builders.ts';
import { aCloudDeadLetter, aDeadLetter, deadLetterName } from '../../support/dead-letters.ts';
import { createInMemoryDeadLetters } from '../../support/in-memory-dead-letters.ts';
import { createWorld } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

function open() {
  const world = createWorld();
  const deadLetters = createInMemoryDeadLetters();
  const ports: DeadLetterPorts = {
    deadLetters,
    configuration: world.ports.configuration,
    buffer: world.buffer,
    own: { account: ACCOUNT, recordsContainer: 'purge-records', deadLetterContainer: 'dead-letters' },
    clock: world.clock,
    parse: (text, { accounts }) => parseDeadLetters(text, accounts),
    buffered: new Set(),
  };
  return { ...world, deadLetters, ports, read: () => readDeadLetters(ports, world.run) };
}

const [one, two, three] = ['1', '2', '3'].map(deadLetterName);
if (one === undefined || two === undefined || three === undefined) throw new Error('no names');

const idsOf = ({ buffer }: ReturnType<typeof open>): readonly string[] =>
  buffer.messages().flatMap((message) => (message.type === 'change' ? [message.change.eventId] : []));

const notTaken = (event: object, reason: string): object => ({
  ...event,
  purgeNotTaken: { reason, at: '2024-01-15T08:09:10.000Z' },
});

describe('what Event Grid could not deliver', () => {
  it('is buffered like a delivery, and its blob goes', async () => {
    const opened = open();
    opened.deadLetters.put(one, [aDeadLetter({ id: '1' }), aCloudDeadLetter({ id: '2' })]);
    opened.deadLetters.put(two, aDeadLetter({ id: '3' }));

    expect(await opened.read()).toEqual({ buffered: 3, kept: 0, interrupted: false });

    expect(idsOf(opened)).toEqual(['1', '2', '3']);
    expect(opened.deadLetters.names()).toEqual([]);
  });

  it('is counted, and an error tells the operator why deliveries failed and what to check', async () => {
    const opened = open();
    opened.deadLetters.put(one, [
      aDeadLetter({ id: '1', outcome: 'TimedOut' }),
      aDeadLetter({ id: '2', outcome: 'Unauthorized' }),
      aDeadLetter({ id: '3', outcome: 'Unauthorized' }),
      aDeadLetter({ id: '4', outcome: 'Unheard' }),
    ]);

    await opened.read();

    expect(opened.telemetry.named('dead-letters-read')).toEqual([
      {
        name: 'dead-letters-read',
        blobs: 1,
        events: 4,
        undelivered: 4,
        buffered: 4,
        kept: 0,
        outcomes: 'Unauthorized=2 TimedOut=1 Unheard=1',
        keptReasons: '',
      },
    ]);
    expect(opened.log.at('error')).toMatchObject([
      { message: expect.stringMatching(/Unauthorized.*present key/su), details: { undelivered: 4 } },
    ]);
  });

  it.each(['NotFound', 'TimedOut', 'SocketError', 'Probation', 'Disabled', 'BadRequest', 'Unheard'])(
    'has advice for %s',
    async (outcome) => {
      const opened = open();
      opened.deadLetters.put(one, [aDeadLetter({ outcome })]);
      await opened.read();
      expect(opened.log.at('error')[0]?.message).toMatch(new RegExp(`with ${outcome}\\. \\S.{20,}\\.$`, 'u'));
    },
  );

  it('does not stay when it means nothing to a cache or is served by nobody', async () => {
    const opened = open();
    opened.configure(aConfiguration({ rules: [aRule({ matchesContainer: (name) => name !== 'private' })] }));
    opened.deadLetters.put(one, [
      aDeadLetter({ type: 'Microsoft.Storage.BlobTierChanged' }),
      aDeadLetter({ container: 'private' }),
      aDeadLetter({ container: 'dead-letters' }),
      aDeadLetter({ container: 'purge-records' }),
    ]);

    expect(await opened.read()).toMatchObject({ buffered: 0, kept: 0 });

    expect(opened.deadLetters.names()).toEqual([]);
  });

  it('is nothing most of the time: one storage call, not a word', async () => {
    const opened = open();
    expect(await opened.read()).toEqual({ buffered: 0, kept: 0, interrupted: false });
    expect(opened.deadLetters.calls).toEqual(['find unread']);
    expect(opened.log.lines).toEqual([]);
    expect(opened.telemetry.events).toEqual([]);
  });
});

describe('what cannot be taken', () => {
  const bad = aDeadLetter({ id: 'bad', name: '../a.txt' });
  const foreign = aDeadLetter({ id: 'foreign', account: 'fabrikam' });

  it('stays alone in its blob, each event as it was with the reason beside it, and is told', async () => {
    const opened = open();
    opened.deadLetters.put(one, [aDeadLetter({ id: 'good' }), bad, foreign]);

    expect(await opened.read()).toEqual({ buffered: 1, kept: 2, interrupted: false });

    expect(idsOf(opened)).toEqual(['good']);
    const stored = opened.deadLetters.stored(one);
    expect(JSON.parse(stored?.text ?? '')).toEqual([
      notTaken(bad, 'dot-segment'),
      notTaken(foreign, 'unknown-account'),
    ]);
    expect(stored?.kept).toEqual({ reasons: 'dot-segment=1 unknown-account=1', at: opened.clock.now() });
    expect(opened.telemetry.named('dead-letters-read')).toMatchObject([
      { kept: 2, keptReasons: 'dot-segment=1 unknown-account=1' },
    ]);
    expect(opened.log.at('error').at(-1)).toMatchObject({
      message: expect.stringContaining('replay'),
      details: { kept: 2 },
    });
  });

  it('costs nothing at the next ticks', async () => {
    const opened = open();
    opened.deadLetters.put(one, [bad]);
    await opened.read();
    const calls = opened.deadLetters.calls.length;
    await opened.read();
    expect(opened.deadLetters.calls.slice(calls)).toEqual(['find unread']);
  });

  it('stays whole when it is no JSON, or larger than Event Grid writes', async () => {
    const opened = open();
    const large = ' '.repeat(17 * 1024 * 1024);
    opened.deadLetters.put(one, 'no json');
    opened.deadLetters.put(two, large);

    expect(await opened.read()).toEqual({ buffered: 0, kept: 2, interrupted: false });

    expect(opened.deadLetters.stored(one)).toMatchObject({ text: 'no json', kept: { reasons: 'not-json' } });
    expect(opened.deadLetters.stored(two)).toMatchObject({ text: large, kept: { reasons: 'too-large' } });
    expect(opened.deadLetters.calls).not.toContain(`read ${two}`);
    expect(opened.telemetry.named('dead-letters-read')).toMatchObject([
      { blobs: 2, events: 0, kept: 2, keptReasons: 'not-json=1 too-large=1' },
    ]);
    expect(opened.log.lines.map(({ level }) => level)).toEqual(['error']);
  });

  it('of a rename with one good name stays, and the good one is purged', async () => {
    const opened = open();
    const rename = aDeadLetter({ type: 'Microsoft.Storage.BlobRenamed' });
    const urls = {
      sourceUrl: 'https://contoso.blob.core.chinacloudapi.cn/media/old.txt',
      destinationUrl: 'https://contoso.blob.core.chinacloudapi.cn/media/../new.txt',
    };
    opened.deadLetters.put(one, [{ ...rename, data: { api: 'RenameFile', ...urls } }]);

    expect(await opened.read()).toMatchObject({ buffered: 1, kept: 1 });
  });

  it('is tried again once it is released, and is not told as a new failure', async () => {
    const opened = open();
    opened.deadLetters.put(one, [bad, foreign]);
    await opened.read();
    const errors = opened.log.at('error').length;

    expect(await releaseDeadLetters(opened.deadLetters, opened.run)).toEqual({
      released: 1,
      interrupted: false,
    });
    expect(await opened.read()).toMatchObject({ buffered: 0, kept: 2 });

    expect(opened.telemetry.named('dead-letters-read').at(-1)).toMatchObject({ undelivered: 0, kept: 2 });
    expect(opened.log.at('error')).toHaveLength(errors + 1);
    expect(JSON.parse(opened.deadLetters.stored(one)?.text ?? '')).toEqual([
      notTaken(bad, 'dot-segment'),
      notTaken(foreign, 'unknown-account'),
    ]);
  });

  it('goes once its cause is mended and it is released', async () => {
    const opened = open();
    opened.deadLetters.put(one, [foreign]);
    await opened.read();
    const { accounts, ...configuration } = await opened.ports.configuration.current();
    const known = { ...configuration, accounts: new Set([...accounts, 'fabrikam']) };
    opened.configure(known);

    await releaseDeadLetters(opened.deadLetters, opened.run);
    await opened.read();

    // A rule of another account does not serve it, so it is dropped; it was judged afresh.
    expect(opened.deadLetters.names()).toEqual([]);
  });
});

describe('trouble', () => {
  it('with one blob leaves it for the next tick, and stops no other', async () => {
    const opened = open();
    for (const [index, name] of [one, two, three].entries()) {
      opened.deadLetters.put(name, [aDeadLetter({ id: `${index}` })]);
    }
    opened.deadLetters.fail(`read ${two}`);

    expect(await opened.read()).toEqual({ buffered: 2, kept: 0, interrupted: true });
    expect(opened.deadLetters.names()).toEqual([two]);
    expect(opened.log.at('warn')).toMatchObject([
      { details: { times: 1, error: `no storage for read ${two}` } },
    ]);

    opened.deadLetters.fail();
    await opened.read();
    expect(idsOf(opened).toSorted()).toEqual(['0', '1', '2']);
  });

  it('with the listing is told, and nothing is lost', async () => {
    const opened = open();
    opened.deadLetters.put(one, [aDeadLetter()]);
    opened.deadLetters.fail('find unread');
    expect(await opened.read()).toEqual({ buffered: 0, kept: 0, interrupted: true });
    expect(opened.log.at('warn')).toHaveLength(1);
    expect(opened.deadLetters.names()).toEqual([one]);
  });

  it('with the buffer leaves the blob unread', async () => {
    const opened = open();
    opened.deadLetters.put(one, [aDeadLetter()]);
    opened.journal.failBy(storageOutFor(['add']));
    expect(await opened.read()).toMatchObject({ interrupted: true });
    expect(opened.deadLetters.stored(one)?.kept).toBeUndefined();
  });

  it('with the deletion does not buffer the same events at every tick', async () => {
    const opened = open();
    opened.deadLetters.put(one, [aDeadLetter()]);
    opened.deadLetters.fail(`remove ${one}`);
    for (let tick = 0; tick < 3; tick += 1) await opened.read();
    expect(idsOf(opened)).toHaveLength(1);

    opened.deadLetters.fail();
    await opened.read();
    expect(opened.deadLetters.names()).toEqual([]);
    expect(idsOf(opened)).toHaveLength(1);
  });

  it('with a release says so', async () => {
    const opened = open();
    opened.deadLetters.put(one, 'no json');
    await opened.read();
    opened.deadLetters.fail(`release ${one}`);
    expect(await releaseDeadLetters(opened.deadLetters, opened.run)).toEqual({
      released: 0,
      interrupted: true,
    });
  });

  it('that is a bug is not swallowed, and the other blobs are read all the same', async () => {
    const opened = open();
    opened.deadLetters.put(one, 'bug');
    opened.deadLetters.put(two, [aDeadLetter()]);
    const parse: DeadLetterPorts['parse'] = (text, configuration) => {
      if (text === 'bug') throw new TypeError('a bug');
      return opened.ports.parse(text, configuration);
    };
    await expect(readDeadLetters({ ...opened.ports, parse }, opened.run)).rejects.toThrow('a bug');
    expect(opened.deadLetters.names()).toEqual([one]);
  });
});

describe('readers', () => {
  it('two at once buffer twice at most, settle once and tell once', async () => {
    const opened = open();
    opened.deadLetters.put(one, [aDeadLetter(), aDeadLetter({ name: '../a' })]);
    const other = { ...opened.ports, buffered: new Set<string>() };

    await Promise.all([opened.read(), readDeadLetters(other, opened.run)]);

    expect(opened.deadLetters.stored(one)?.kept).toBeDefined();
    expect(opened.telemetry.named('dead-letters-read')).toHaveLength(1);
    expect(new Set(idsOf(opened))).toEqual(new Set(['event-1']));
  });

  it('begin no further blob when their time is over', async () => {
    const opened = open();
    for (let index = 0; index < 20; index += 1) {
      opened.deadLetters.put(deadLetterName(`${index}`), [aDeadLetter()]);
    }
    const parse: DeadLetterPorts['parse'] = (text, configuration) => {
      opened.clock.advance(60_000);
      return opened.ports.parse(text, configuration);
    };

    expect(await readDeadLetters({ ...opened.ports, parse }, opened.run)).toMatchObject({
      interrupted: true,
    });

    expect(opened.deadLetters.names().length).toBeGreaterThan(10);
    expect(opened.deadLetters.names().length).toBeLessThan(20);
  });
});
