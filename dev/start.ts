// npm start: the local stack on its default ports, told live, until Ctrl-C.

import colors from 'picocolors';

import { greeting } from './greeting.ts';
import { readArguments, startOrExplain } from './stack-command.ts';
import { untilInterrupted } from './until-interrupted.ts';

const COMMAND = 'npm start';

const asked = readArguments(COMMAND);
console.log(`${colors.bold('blob-cdn-purge')}: starting the local stack …`);
const stack = await startOrExplain(COMMAND, asked, 'embedded');
console.log(greeting(stack, 'enforced'));
await untilInterrupted(() => stack.stop());
