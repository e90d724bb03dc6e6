// Blobs of dead letters: events in both schemas, with Event Grid's words on why they were not delivered.

import { describe, expect, it } from 'vitest';

import { parseDeadLetters } from '../../../src/lib/handlers/parse-dead-letters.ts';
import { aCloudDeadLetter, aDeadLetter } from '../../support/dead-letters.ts';

const ACCOUNTS = new Set(['contoso']);
const parse = (content: unknown) =>
  parseDeadLetters(typeof content === 'string' ? content : JSON.stringify(content), ACCOUNTS);

describe('a blob of dead letters', () => {
  it('has events of the Event Grid schema, each with its outcome', () => {
    const event = aDeadLetter({ name: 'a b.txt', outcome: 'NotFound' });
    expect(parse([event])).toMatchObject([
      {
        event,
        outcome: 'NotFound',
        parsed: [
          { kind: 'change', change: { kind: 'created', blob: { container: 'media', name: 'a b.txt' } } },
        ],
      },
    ]);
  });

  it('has CloudEvents with the words in lower case, and their own trace', () => {
    expect(parse([aCloudDeadLetter({ outcome: 'TimedOut' })])).toMatchObject([
      { outcome: 'TimedOut', parsed: [{ kind: 'change', change: { traceparent: expect.any(String) } }] },
    ]);
  });

  it('may be one event without an array, or an empty array', () => {
    expect(parse(aDeadLetter())).toHaveLength(1);
    expect(parse([])).toEqual([]);
  });

  it.each(['', 'no json', '[{}', '\u0000'])('that is no JSON is none: %j', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  it.each([[null], ['text'], [7], [[aDeadLetter()]]])(
    'keeps what is no event for the one who reads the refusal: %j',
    (event) => {
      expect(parse([event])).toEqual([
        {
          event: { event },
          outcome: 'unknown',
          parsed: [{ kind: 'refused', reason: 'not-an-event', subject: '' }],
        },
      ]);
    },
  );

  it('is not believed about accounts that the configuration does not know', () => {
    expect(parseDeadLetters(JSON.stringify([aDeadLetter()]), new Set(['fabrikam']))).toMatchObject([
      { parsed: [{ kind: 'refused', reason: 'unknown-account' }] },
    ]);
  });

  it.each(['', 'two words', 'a\nforged line', '=1', 'x'.repeat(60), 7, null])(
    'says nothing in words that a log line could not bear: %j',
    (lastDeliveryOutcome) => {
      expect(parse([{ ...aDeadLetter(), lastDeliveryOutcome }])).toMatchObject([{ outcome: 'unknown' }]);
    },
  );

  it('says nothing of a delivery that was told before, and parses the event as it is', () => {
    const again = {
      ...aDeadLetter(),
      purgeNotTaken: { reason: 'dot-segment', at: '2024-01-15T08:09:10.000Z' },
    };
    expect(parse([again])).toMatchObject([{ outcome: undefined, parsed: [{ kind: 'change' }] }]);
  });
});
