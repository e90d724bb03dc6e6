import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitest/config';

/** Programs that tests start find here what Node compiled for those before them, and start in half the time. */
const env = { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) };

export default defineConfig({
  test: {
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          env,
          // They share no state: loading every module once for all of them halves the CPU time.
          isolate: false,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/{contract,emulators,integration,e2e}/**/*.test.ts'],
          env,
          globalSetup: ['test/support/azurite-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
