// Searches all that a run left behind for the secrets that were given to it.

import { text as readText } from 'node:stream/consumers';

import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';

/** Something that an operator, a log or a store may show. */
export interface SearchedText {
  /** For the finding: `output of Functions host`, `blob a/b.json`. */
  readonly where: string;
  readonly text: string;
}

/** Secrets by a name that says what leaked; values are random, so a hit is no accident. */
export type Secrets = Readonly<Record<string, string>>;

/** Gives one line for each secret or signature found, without the secret itself. Empty: nothing leaked. */
export function findLeaks(texts: readonly SearchedText[], secrets: Secrets): readonly string[] {
  const marks = Object.entries(secrets).flatMap(([name, secret]) =>
    marksOf(secret).map((mark) => ({ name, mark })),
  );
  const found = texts.flatMap(({ where, text }) => [
    ...marks.filter(({ mark }) => text.includes(mark)).map(({ name }) => `${name} in ${where}`),
    ...patterns.filter(({ pattern }) => pattern.test(text)).map(({ name }) => `${name} in ${where}`),
  ]);
  return [...new Set(found)];
}

/**
 * Throws if anything leaked, and also if one of the places of `searched` (beginnings of `where`) has no text: a
 * search through nothing would find nothing.
 */
export function assertNoLeaks(
  texts: readonly SearchedText[],
  secrets: Secrets,
  searched: readonly string[],
): void {
  const empty = searched.filter(
    (place) => !texts.some(({ where, text }) => where.startsWith(place) && text !== ''),
  );
  if (empty.length > 0) throw new Error(`nothing to search for secrets in: ${empty.join(', ')}`);
  const leaks = findLeaks(texts, secrets);
  if (leaks.length > 0) throw new Error(`secrets leaked: ${leaks.join('; ')}`);
}

const patterns = [
  { name: 'an Authorization header of the CDN', pattern: /AzureCDN\s+[^\s:]+:[0-9a-f]{64}/iu },
  { name: 'a signature', pattern: /(?<![0-9A-F])[0-9A-F]{64}(?![0-9A-F])/u },
  { name: 'a storage connection string', pattern: /AccountKey=/iu },
  { name: 'a storage signature', pattern: /SharedKey \w+:/u },
];

/** A secret that was cut short or escaped for a URL has leaked as well. */
function marksOf(secret: string): readonly string[] {
  const parts = secret.length < 32 ? [secret] : [secret.slice(0, 20), secret.slice(-20)];
  return [...parts, ...parts.map(encodeURIComponent)];
}

/**
 * Everything in an account: names, content and metadata of all blobs, and all messages that no one holds at the
 * moment, decoded. It receives the messages, which hides them for a while: call it when the run is over.
 * `isMine` takes the name of a container or queue: in an account that is shared, others must not be disturbed.
 */
export async function readAccount(
  connectionString: string,
  isMine: Choice = () => true,
): Promise<readonly SearchedText[]> {
  return [...(await readBlobs(connectionString, isMine)), ...(await readMessages(connectionString, isMine))];
}

type Choice = (place: string) => boolean;

async function readBlobs(connectionString: string, isMine: Choice): Promise<readonly SearchedText[]> {
  const service = BlobServiceClient.fromConnectionString(connectionString);
  const texts: SearchedText[] = [];
  for await (const { name: containerName } of service.listContainers()) {
    if (!isMine(containerName)) continue;
    const container = service.getContainerClient(containerName);
    for await (const { name, metadata } of container.listBlobsFlat({ includeMetadata: true })) {
      const where = `blob ${containerName}/${name}`;
      const { readableStreamBody } = await container.getBlobClient(name).download();
      const content = readableStreamBody === undefined ? '' : await readText(readableStreamBody);
      texts.push({ where, text: `${name}\n${JSON.stringify(metadata ?? {})}\n${content}` });
    }
  }
  return texts;
}

async function readMessages(connectionString: string, isMine: Choice): Promise<readonly SearchedText[]> {
  const service = QueueServiceClient.fromConnectionString(connectionString);
  const texts: SearchedText[] = [];
  for await (const { name } of service.listQueues()) {
    if (!isMine(name)) continue;
    const queue = service.getQueueClient(name);
    const receive = async (): Promise<readonly string[]> => {
      const { receivedMessageItems } = await queue.receiveMessages({
        numberOfMessages: 32,
        visibilityTimeout: 300,
      });
      return receivedMessageItems.map(({ messageText }) => messageText);
    };
    for (let received = await receive(); received.length > 0; received = await receive()) {
      for (const text of received) texts.push({ where: `message in ${name}`, text: unwrapped(text) });
    }
  }
  return texts;
}

/** A text with all the base64 in it decoded, and the base64 in that: a dead letter holds a message within. */
export function unwrapped(text: string, depth = 3): string {
  if (depth === 0) return text;
  const inner = [...text.matchAll(/[A-Za-z0-9+/]{24,}={0,2}/gu)].map(([run]) =>
    Buffer.from(run, 'base64').toString('utf8'),
  );
  return [text, ...inner.map((one) => unwrapped(one, depth - 1))].join('\n');
}
