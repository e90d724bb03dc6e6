// The JSON Schema by which editors help to write the document.

import * as z from 'zod';
import { ConfigurationDocument } from './configuration.schema.ts';

/** Gives the text of docs/configuration.schema.json. */
export function configurationJsonSchema(): string {
  const { $schema, ...schema } = z.toJSONSchema(ConfigurationDocument, { io: 'input' });
  const document = {
    $schema,
    $id: 'configuration.schema.json',
    title: 'Configuration of blob-cdn-purge',
    description: 'Which blobs are served under which URLs of which CDN. It holds no secret.',
    ...schema,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
