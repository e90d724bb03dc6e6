// Tells the demo's story on a terminal: numbered steps, quiet detail, nothing wider than the window.

import colors from 'picocolors';

export type Story = {
  readonly title: (text: string) => void;
  readonly step: (text: string) => void;
  readonly line: (text: string) => void;
  readonly good: (text: string) => void;
  readonly bad: (text: string) => void;
};

const WIDTH = 110;

export function tellStory(write: (line: string) => void): Story {
  let steps = 0;
  return {
    title: (text) => write(`\n${colors.bold(text)}`),
    step(text) {
      steps += 1;
      write(`\n${colors.cyan(`${steps}`)}  ${colors.bold(text)}`);
    },
    line: (text) => write(`   ${clip(text)}`),
    good: (text) => write(`   ${colors.green('✓')} ${clip(text)}`),
    // Never shortened: what went wrong must be readable to its end.
    bad: (text) => write(`   ${colors.red('✗')} ${text}`),
  };
}

/** Shortens the middle, so that the beginning and the end of a long name both show. */
export function shorten(text: string, width: number): string {
  const characters = Array.from(text);
  if (characters.length <= width) return text;
  const head = Math.ceil((width - 1) / 2);
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (width - 1 - head)).join('')}`;
}

const clip = (text: string): string => (text.includes('\u{1B}') ? text : shorten(text, WIDTH));
