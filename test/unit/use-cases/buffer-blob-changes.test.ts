// What is taken over from a delivery.

import { describe, expect, it } from 'vitest';

import type { BlobChange } from '../../../src/lib/core/blob-change.ts';
import { bufferBlobChanges, type ParsedEvent } from '../../../src/lib/use-cases/buffer-blob-changes.ts';
import { StorageTrouble } from '../../../src/lib/use-cases/ports.ts';
import {
  aChange,
  aConfiguration,
  aDirectoryDeletion,
  aMessage,
  aPath,
  aRename,
  aRule,
  TRACEPARENT,
} from '../../support/builders.ts';
import { createWorld, type World } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const event = (change: BlobChange): ParsedEvent => ({ kind: 'change', change });

const OWN = { account: 'contoso', recordsContainer: 'purge-records' };

const take = (world: World, events: readonly ParsedEvent[], configuration = aConfiguration()) =>
  bufferBlobChanges(events, configuration, OWN, world.buffer, world.run);

describe('a delivery', () => {
  it('is buffered, one message a change, with no failed attempt yet', async () => {
    const world = createWorld();
    const changes = [
      aChange({ name: 'a', traceparent: TRACEPARENT, eTag: '0x1', sequencer: '00ab' }),
      aChange({ name: 'b', kind: 'deleted' }),
      aRename(aPath('c'), aPath('d')),
      aDirectoryDeletion(aPath('dir')),
    ];
    expect(await take(world, changes.map(event))).toBe(4);
    expect(world.buffer.messages()).toEqual(changes.map((change) => aMessage(change)));
    expect(world.telemetry.events).toEqual([]);
    expect(world.log.at('info', 'warn', 'error')).toEqual([]);
  });

  it('keeps two changes of one blob: which came last is not known here', async () => {
    const world = createWorld();
    expect(await take(world, [event(aChange()), event(aChange())])).toBe(2);
  });

  it('drops and counts what no rule serves', async () => {
    const world = createWorld();
    const configuration = aConfiguration({ rules: [aRule({ strip: 'site/' })] });
    const events = ['site/a', 'other/a', 'b'].map((name) => event(aChange({ name })));
    expect(await take(world, events, configuration)).toBe(1);
    expect(world.telemetry.events).toEqual([
      { name: 'changes-not-taken', ignored: 0, refused: 0, reasons: '', unserved: 2 },
    ]);
  });

  it('takes a rename of which only one name is served, whichever', async () => {
    const world = createWorld();
    const configuration = aConfiguration({ rules: [aRule({ strip: 'site/' })] });
    const renames = [aRename(aPath('site/a'), aPath('b')), aRename(aPath('b'), aPath('site/a'))];
    expect(await take(world, renames.map(event), configuration)).toBe(2);
  });

  it('counts what is ignored and refused, by reason, and tells the operator of each refusal', async () => {
    const world = createWorld();
    const events: readonly ParsedEvent[] = [
      { kind: 'ignored', reason: 'other-event-type' },
      { kind: 'ignored', reason: 'other-event-type' },
      { kind: 'refused', reason: 'dot-segment', subject: '/blobServices/default/containers/m/blobs/../a' },
      event(aChange()),
    ];
    expect(await take(world, events)).toBe(1);
    expect(world.telemetry.events).toEqual([
      {
        name: 'changes-not-taken',
        ignored: 2,
        refused: 1,
        reasons: 'other-event-type=2 dot-segment=1',
        unserved: 0,
      },
    ]);
    expect(world.log.at('warn').map(({ details }) => details)).toEqual([
      { reason: 'dot-segment', subject: '/blobServices/default/containers/m/blobs/../a' },
    ]);
  });

  it('may be empty', async () => {
    const world = createWorld();
    expect(await take(world, [])).toBe(0);
    expect(world.telemetry.events).toEqual([]);
  });
});

describe('what the app and its host write themselves', () => {
  it.each([
    ['a purge record', aChange({ container: 'purge-records', name: 'purges/2024-01-15/1.json' })],
    ['an open purge', aChange({ container: 'purge-records', name: 'open-purges/20240115-1.json' })],
    ['a lock of the host', aChange({ container: 'azure-webjobs-hosts', name: 'locks/app/host' })],
    ['a secret of the host', aChange({ container: 'azure-webjobs-secrets', account: 'other1' })],
    ['a directory of records', aDirectoryDeletion(aPath('purges', 'purge-records'))],
    ['a record renamed', aRename(aPath('a', 'purge-records'), aPath('b', 'purge-records'))],
  ])('is no change to purge, although a rule serves every container: %s', async (_what, change) => {
    const world = createWorld();
    const everywhere = aConfiguration({ rules: [aRule({ account: '*' })] });
    expect(await take(world, [event(change)], everywhere)).toBe(0);
    expect(world.buffer.messages()).toEqual([]);
  });

  it.each([
    [
      'a container of that name in another account',
      aChange({ container: 'purge-records', account: 'other1' }),
    ],
    ['a container whose name only begins alike', aChange({ container: 'purge-records-2' })],
    ['a blob moved out of the records', aRename(aPath('a', 'purge-records'), aPath('a'))],
  ])('is not taken for it: %s', async (_what, change) => {
    const world = createWorld();
    const everywhere = aConfiguration({ rules: [aRule({ account: '*' })] });
    expect(await take(world, [event(change)], everywhere)).toBe(1);
  });
});

describe('storage trouble', () => {
  it('is told to whoever delivers, so that the whole delivery comes again', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['add'], 1));
    await expect(take(world, [event(aChange({ name: 'a' })), event(aChange({ name: 'b' }))])).rejects.toThrow(
      StorageTrouble,
    );
  });
});
