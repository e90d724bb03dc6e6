// npm run start:func: the local stack with Azure Functions Core Tools as the host instead of the embedded one.

import { spawn, spawnSync } from 'node:child_process';

import { greeting } from './greeting.ts';
import { readArguments, startOrExplain } from './stack-command.ts';

const COMMAND = 'npm run start:func';

const HELP = `Azure Functions Core Tools ("func") are not installed here.

They are an optional dependency of this project: npm tries to install them, but their installer downloads the tools
from Microsoft's servers, and goes without where it cannot. To get them:

  npm install -g azure-functions-core-tools@4        or
  https://learn.microsoft.com/azure/azure-functions/functions-run-local#install-the-azure-functions-core-tools

Then run "npm run start:func" again. "npm start" runs the same app without them, on the embedded host.`;

const asked = readArguments(COMMAND);
if (!isInstalled()) {
  console.error(HELP);
  process.exit(1);
}

const build = spawnSync('npm', ['run', 'build'], { stdio: 'inherit' });
if (build.status !== 0) process.exit(build.status ?? 1);

const stack = await startOrExplain(COMMAND, asked, 'none');
console.log(greeting(stack, 'ignored'));
console.log(`Starting Core Tools on ${stack.functionsUrl} …`);
const func = spawn('func', ['start', '--port', new URL(stack.functionsUrl).port], {
  stdio: 'inherit',
  // Settings in the environment come before those of local.settings.json.
  env: { ...process.env, ...stack.appSettings },
});

// Ctrl-C reaches Core Tools by the terminal; when they have ended, the rest ends too.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => func.kill('SIGTERM'));
const exitCode = await new Promise<number>((resolve) => {
  func.on('exit', (code) => resolve(code ?? 1));
  func.on('error', (error) => {
    console.error(`Core Tools could not be started: ${error.message}`);
    resolve(1);
  });
});
await stack.stop();
process.exit(exitCode);

function isInstalled(): boolean {
  return spawnSync('func', ['--version'], { stdio: 'ignore' }).status === 0;
}
