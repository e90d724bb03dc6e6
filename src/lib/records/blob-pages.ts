// Listings of blobs, page by page: what lists much must not hold it all.

import type { BlobItem, ContainerClient, ContainerListBlobsOptions } from '@azure/storage-blob';

import { callStorage } from '../storage/trouble.ts';
import { isNotThere } from './json-blob.ts';

/** Pages of 5,000 blobs at most, by name. None where there is no container. Throws StorageTrouble. */
export async function* listPages(
  container: ContainerClient,
  options: ContainerListBlobsOptions,
): AsyncGenerator<readonly BlobItem[], void> {
  const pages = container.listBlobsFlat(options).byPage();
  for (;;) {
    const page = await nextPage(pages);
    if (page === undefined) return;
    yield page.segment.blobItems;
  }
}

/** Names of the folders below a prefix that ends with `/`, without it. Otherwise like `listPages`. */
export async function listFolders(container: ContainerClient, prefix: string): Promise<readonly string[]> {
  const names: string[] = [];
  const pages = container.listBlobsByHierarchy('/', { prefix }).byPage();
  for (;;) {
    const page = await nextPage(pages);
    if (page === undefined) return names;
    names.push(...(page.segment.blobPrefixes ?? []).map(({ name }) => name.slice(prefix.length, -1)));
  }
}

function nextPage<Page>(pages: AsyncIterator<Page>): Promise<Page | undefined> {
  return callStorage('list the records', async () => {
    try {
      const page = await pages.next();
      return page.done === true ? undefined : page.value;
    } catch (error) {
      if (isNotThere(error)) return undefined;
      throw error;
    }
  });
}
