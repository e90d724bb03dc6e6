// Blob storage as clients see it, as a child process: the proxy that makes Event Grid events of Azurite's writes.
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { parsePort } from '../processes/port.ts';
import {
  announceReady,
  describeListenError,
  emit,
  failToStart,
  stopWhenTold,
} from '../processes/ready-line.ts';
import {
  createEventGridProxy,
  type EventGridProxy,
  type EventGridProxySettings,
} from './event-grid-proxy.ts';

const usage = `node dev/event-grid/main.ts --azurite URL [--port 10000] [--webhook URL]
  --azurite URL                 Azurite's blob endpoint, http://127.0.0.1:<port>
  --port N                      where clients find the blob endpoint (0: any free port)
  --webhook URL                 the subscriber: http://127.0.0.1:7071/runtime/webhooks/eventgrid?functionName=on-blob-changed
                                (or later, by PUT /_event-grid/subscription); its key comes from EVENT_GRID_WEBHOOK_KEY
  --queue URL                   a storage queue in place of the webhook: http://127.0.0.1:10001/<account>/purge-buffer
  --schema eventgrid|cloudevents
  --batch N                     most events in one POST (default 1)
  --retry-scale X               multiplies the retry delays, 1 is Azure's pace (default 1)
  --dead-letter-container NAME  where events go that are given up on, in the same account (default: they are lost)
  --handshake-seconds N         give up the validation handshake after that long (default: never)
  --exit-with-stdin`;

interface Options {
  readonly proxy: EventGridProxySettings;
  readonly port: number;
  readonly exitWithStdin: boolean;
}

const options = readOptions();
const proxy = await startOrFail(options);
stopWhenTold(() => proxy.close(), options.exitWithStdin);
announceReady({
  port: proxy.port,
  blobUrl: proxy.blobUrl,
  controlUrl: `http://127.0.0.1:${proxy.port}/_event-grid`,
});

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        azurite: { type: 'string' },
        port: { type: 'string', default: '10000' },
        webhook: { type: 'string' },
        queue: { type: 'string' },
        schema: { type: 'string', default: 'eventgrid' },
        batch: { type: 'string', default: '1' },
        'retry-scale': { type: 'string', default: '1' },
        'dead-letter-container': { type: 'string' },
        'handshake-seconds': { type: 'string' },
        'exit-with-stdin': { type: 'boolean', default: false },
      },
    });
    const port = parsePort(values.port, '--port');
    const handshakeSeconds = values['handshake-seconds'];
    const deadLetterContainer = values['dead-letter-container'];
    return {
      port,
      exitWithStdin: values['exit-with-stdin'],
      proxy: {
        azuriteUrl: parseOption(z.url(), values.azurite, '--azurite'),
        port,
        ...(values.webhook === undefined
          ? {}
          : {
              webhook: {
                url: parseOption(z.url(), values.webhook, '--webhook'),
                key: process.env['EVENT_GRID_WEBHOOK_KEY'],
              },
            }),
        schema: parseOption(z.enum(['eventgrid', 'cloudevents']), values.schema, '--schema'),
        ...(values.queue === undefined ? {} : { queueUrl: parseOption(z.url(), values.queue, '--queue') }),
        // Event Grid allows up to 5,000.
        batchSize: parseOption(z.coerce.number().int().min(1).max(5_000), values.batch, '--batch'),
        retryScale: parseOption(z.coerce.number().positive().max(1), values['retry-scale'], '--retry-scale'),
        ...(deadLetterContainer === undefined ? {} : { deadLetterContainer }),
        ...(handshakeSeconds === undefined
          ? {}
          : {
              handshakeDeadlineMs:
                parseOption(z.coerce.number().positive(), handshakeSeconds, '--handshake-seconds') * 1_000,
            }),
        log: emit,
      },
    };
  } catch (error) {
    return failToStart(`${error instanceof Error ? error.message : String(error)}\nUsage: ${usage}`);
  }
}

function parseOption<T>(shape: z.ZodType<T>, value: unknown, option: string): T {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`${option}: ${parsed.error.issues.map((issue) => issue.message).join('; ')}`);
}

async function startOrFail(options: Options): Promise<EventGridProxy> {
  try {
    return await createEventGridProxy(options.proxy);
  } catch (error) {
    return failToStart(describeListenError(error, options.port, '--port'));
  }
}
