// A storage account with one large container, of which only listings can be had: pages of XML, made when asked for.

import { createServer } from 'node:http';
import { once } from 'node:events';

export type ListingStub = {
  /** Ends with the account's name. */
  readonly url: string;
  readonly stop: () => Promise<void>;
};

/** Takes how many blobs lie in how many directories. */
export async function startListingStub(blobs: number, directories: number): Promise<ListingStub> {
  const perDirectory = Math.ceil(blobs / directories);
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://stub');
    response.setHeader('content-type', 'application/xml');
    if (searchParams.get('restype') !== 'container') {
      response.end(containersXml());
      return;
    }
    const from = Number(searchParams.get('marker') ?? '0');
    const to = Math.min(blobs, from + Number(searchParams.get('maxresults') ?? '5000'));
    response.end(pageXml(from, to, to < blobs ? `${to}` : '', perDirectory));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the stub has no port');
  return {
    url: `http://127.0.0.1:${address.port}/contoso`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Of the container that the stub has. Ten directories in each, so that most are leaves; names in order. */
export function directoryName(index: number): string {
  const padded = `${index}`.padStart(7, '0');
  return `documentation-${padded.slice(0, 4)}/chapter-about-something-${padded.slice(0, 6)}/section-${padded}/`;
}

const containersXml = (): string =>
  `<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Containers><Container><Name>site</Name><Properties><Last-Modified>Sun, 22 Nov 2026 08:00:00 GMT</Last-Modified><Etag>"0x8D1"</Etag></Properties></Container></Containers><NextMarker /></EnumerationResults>`;

function pageXml(from: number, to: number, next: string, perDirectory: number): string {
  let blobs = '';
  for (let index = from; index < to; index += 1) {
    const directory = directoryName(Math.floor(index / perDirectory));
    const file = `page-${`${index % perDirectory}`.padStart(6, '0')}.html`;
    blobs += `<Blob><Name>${directory}${file}</Name><Properties><Creation-Time>Sun, 22 Nov 2026 08:00:00 GMT</Creation-Time><Last-Modified>Sun, 22 Nov 2026 08:00:00 GMT</Last-Modified><Etag>0x8DE29A1B2C3D4E5</Etag><Content-Length>1000</Content-Length><Content-Type>text/html; charset=utf-8</Content-Type><Content-MD5>sQqNsWTgdUEFt6mb5y4/5Q==</Content-MD5><BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier><AccessTierInferred>true</AccessTierInferred><LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted></Properties><OrMetadata /></Blob>`;
  }
  return `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://stub/" ContainerName="site"><Blobs>${blobs}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`;
}
