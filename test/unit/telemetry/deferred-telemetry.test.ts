// Telemetry is loaded at its first use, and nothing that it was told before is lost.

import { expect, test, vi } from 'vitest';

import { deferredTelemetry } from '../../../src/lib/telemetry/deferred-telemetry.ts';
import type { Telemetry } from '../../../src/lib/use-cases/ports.ts';
import { createRecordingTelemetry } from '../../support/recording-telemetry.ts';

const span = { name: 'flush-purge-buffer', kind: 'internal' } as const;
const event = { name: 'message-dead-lettered', reason: 'it cannot be read' } as const;

function aDeferredOne() {
  const recording = createRecordingTelemetry();
  const load = vi.fn<() => Promise<Telemetry>>(() => Promise.resolve(recording));
  return { recording, load, telemetry: deferredTelemetry(load) };
}

test('it is not loaded to be flushed: there is nothing to send', async () => {
  const { telemetry, load } = aDeferredOne();

  await telemetry.flush();

  expect(load).not.toHaveBeenCalled();
});

test('an event loads it, and is sent by the next flush', async () => {
  const { telemetry, recording, load } = aDeferredOne();

  telemetry.track(event);
  telemetry.track({ ...event, reason: 'nor can this' });
  await telemetry.flush();

  expect(load).toHaveBeenCalledOnce();
  expect(recording.events).toEqual([event, { ...event, reason: 'nor can this' }]);
  expect(recording.flushes()).toBe(1);
});

test('work in a span begins once the span can', async () => {
  const { telemetry, recording } = aDeferredOne();

  const result = await telemetry.span(span, (open) => {
    open.set({ messages: 3 });
    return Promise.resolve('done');
  });

  expect(result).toBe('done');
  expect(recording.spans).toMatchObject([{ ...span, attributes: { messages: 3 } }]);
});

test('the error of the work is the error of the span', async () => {
  const { telemetry } = aDeferredOne();

  await expect(telemetry.span(span, () => Promise.reject(new Error('no answer')))).rejects.toThrow(
    'no answer',
  );
});
