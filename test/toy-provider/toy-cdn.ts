// A CDN that does not exist, with rules of its own: it proves that a third provider needs nothing but itself.
//
// POST /wipes {zone, urls: [{url, deep}]}   202 {ticket}: at most three URLs, two wipes at a time, 20 points a day
// GET  /tickets/{ticket}                    200 {state: sweeping | swept, missed: [url]}
// Any refusal                               {no: its name, because: words}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import * as z from 'zod';

import type { Trouble } from '../contract/purge-provider.contract.ts';

const RefusalName = z.enum([
  'who-are-you',
  'bad-url',
  'bad-wipe',
  'too-many-urls',
  'no-such-zone',
  'no-such-ticket',
  'slow-down',
  'no-points-left',
  'busy',
]);
type RefusalName = z.infer<typeof RefusalName>;

const STATUS_OF: Readonly<Record<RefusalName, number>> = {
  'who-are-you': 401,
  'bad-url': 400,
  'bad-wipe': 400,
  'too-many-urls': 400,
  'no-such-zone': 404,
  'no-such-ticket': 404,
  'slow-down': 429,
  'no-points-left': 429,
  busy: 503,
};

export const TOY_KEY = 'open sesame';
export const KEY_HEADER = 'x-toy-key';
export const CALL_HEADER = 'x-toy-call';
export const TOY_URLS_MAX = 3;
export const TOY_WIPES_AT_ONCE = 2;
export const TOY_POINTS_A_DAY = 20;
export const TOY_POINTS = { file: 1, directory: 3 } as const;

export type ToyWipe = {
  readonly ticket: string;
  readonly callId: string;
  readonly zone: string;
  /** As the CDN keeps them: in lower case. */
  readonly files: readonly string[];
  readonly directories: readonly string[];
};

export type ToyCdn = {
  readonly apiUrl: string;
  /** What it acted on, oldest first. */
  readonly wipes: () => readonly ToyWipe[];
  /** Names of what it refused, without those that were ordered. */
  readonly refused: () => readonly RefusalName[];
  readonly callIds: () => readonly string[];
  readonly points: () => number;
  /** Makes the next call meet a trouble. */
  readonly order: (trouble: Trouble) => void;
  /** From now on wipes miss this URL, or none. */
  readonly miss: (url: string | undefined) => void;
  readonly close: () => Promise<void>;
};

const Wipe = z.strictObject({
  zone: z.string(),
  urls: z.array(z.strictObject({ url: z.string(), deep: z.boolean() })).min(1),
});

const DAY_MS = 24 * 3_600_000;

/** Takes its zones and what time it is. A wipe is under way until its ticket was asked for twice. */
export async function createToyCdn(zones: readonly string[], now: () => number): Promise<ToyCdn> {
  const wipes: (ToyWipe & { readonly day: number; readonly points: number })[] = [];
  const asked = new Map<string, number>();
  const callIds: string[] = [];
  const refused: RefusalName[] = [];
  let ordered: Trouble | undefined;
  let missed: string | undefined;

  const today = (): number => Math.floor(now() / DAY_MS);
  const points = (): number =>
    wipes.filter(({ day }) => day === today()).reduce((sum, wipe) => sum + wipe.points, 0);
  const underWay = (): number => wipes.filter(({ ticket }) => (asked.get(ticket) ?? 0) < 2).length;

  const judge = (
    key: string | undefined,
    wipe: z.infer<typeof Wipe> | undefined,
  ): RefusalName | undefined => {
    if (key !== TOY_KEY) return 'who-are-you';
    if (wipe === undefined) return 'bad-wipe';
    if (!zones.includes(wipe.zone)) return 'no-such-zone';
    if (wipe.urls.length > TOY_URLS_MAX) return 'too-many-urls';
    if (wipe.urls.some(({ url, deep }) => !url.includes(`//${wipe.zone}/`) || (deep && !url.endsWith('/')))) {
      return 'bad-url';
    }
    if (underWay() >= TOY_WIPES_AT_ONCE) return 'busy';
    return points() + pointsOf(wipe) > TOY_POINTS_A_DAY ? 'no-points-left' : undefined;
  };
  const act = ({ zone, urls }: z.infer<typeof Wipe>, callId: string): string => {
    const ticket = `wipe-${wipes.length + 1}`;
    const kept = (isDeep: boolean): readonly string[] => [
      ...new Set(urls.filter(({ deep }) => deep === isDeep).map(({ url }) => asKept(url))),
    ];
    wipes.push({
      ticket,
      callId,
      zone,
      files: kept(false),
      directories: kept(true),
      day: today(),
      points: pointsOf({ zone, urls }),
    });
    return ticket;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(z.instanceof(Uint8Array).parse(chunk));
    const callId = `call-${callIds.length + 1}`;
    callIds.push(callId);
    const trouble = ordered;
    ordered = undefined;
    const send = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void => {
      response.writeHead(status, { [CALL_HEADER]: callId, ...headers }).end(JSON.stringify(body));
    };
    const refuse = (name: RefusalName, headers: Readonly<Record<string, string>> = {}): void =>
      send(STATUS_OF[name], { no: name, because: `Toys say ${name}.` }, headers);

    switch (trouble?.kind) {
      case 'refuses':
        return refuse(RefusalName.parse(trouble.errorType));
      case 'throttles': {
        const { retryAfter } = trouble;
        return refuse('slow-down', retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` });
      }
      case 'gateway-page':
        response
          .writeHead(trouble.status, { 'retry-after': `${trouble.retryAfterSeconds}` })
          .end('<h1>Come back later</h1>');
        return undefined;
      case 'resets':
        request.socket.destroy();
        return undefined;
      case 'redirects':
        return send(302, {}, { location: '/elsewhere' });
      case 'loses-the-answer':
      case 'stays-silent':
      case 'forgets-the-task-id':
      case undefined:
        break;
    }

    if (request.method === 'GET') {
      const ticket = request.url?.replace('/tickets/', '') ?? '';
      const wipe = wipes.find((one) => one.ticket === ticket);
      if (wipe === undefined) return refuse('no-such-ticket');
      asked.set(ticket, (asked.get(ticket) ?? 0) + 1);
      const isSwept = (asked.get(ticket) ?? 0) >= 2;
      const ofWipe = [...wipe.files, ...wipe.directories];
      return send(200, {
        state: isSwept ? 'swept' : 'sweeping',
        missed: ofWipe.filter((url) => isSwept && url === missed),
      });
    }
    const parsed = Wipe.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    const key = request.headers[KEY_HEADER];
    const refusal = judge(typeof key === 'string' ? key : undefined, parsed.data);
    if (refusal !== undefined || !parsed.success) {
      refused.push(refusal ?? 'bad-wipe');
      return refuse(refusal ?? 'bad-wipe');
    }
    const ticket = act(parsed.data, callId);
    if (trouble?.kind === 'stays-silent') return undefined;
    if (trouble?.kind === 'loses-the-answer') {
      request.socket.destroy();
      return undefined;
    }
    return send(202, trouble === undefined ? { ticket } : {});
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(new Error('bug', { cause: error })));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on no port');
  return {
    apiUrl: `http://127.0.0.1:${address.port}`,
    wipes: () => wipes,
    refused: () => refused,
    callIds: () => callIds,
    points,
    order(trouble) {
      ordered = trouble;
    },
    miss(url) {
      missed = url === undefined ? undefined : asKept(url);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** It knows no capitals. */
export function asKept(url: string): string {
  return url.replace(/[A-Z]+/gu, (letters) => letters.toLowerCase());
}

const pointsOf = ({ urls }: z.infer<typeof Wipe>): number =>
  urls.reduce((sum, { deep }) => sum + (deep ? TOY_POINTS.directory : TOY_POINTS.file), 0);
