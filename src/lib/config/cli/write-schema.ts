// npm run config:schema: writes docs/configuration.schema.json.

import { writeFile } from 'node:fs/promises';
import { configurationJsonSchema } from '../json-schema.ts';

await writeFile(
  new URL('../../../../docs/configuration.schema.json', import.meta.url),
  configurationJsonSchema(),
);
