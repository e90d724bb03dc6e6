// A small site's history that is made up, for a try without a trace. What it shows proves nothing of real sites.

import { seededRandom, zipf } from '../seeded-random.ts';
import type { Deployment, Trace } from './trace.ts';

const DIRECTORIES = 60;
const FILES = 40;
const DEPLOYMENTS = 200;

/**
 * Takes a seed, gives a site of sections, some seldom and some often changed: most deployments touch a few files, some a
 * whole section, a few nearly everything.
 */
export function generatedTrace(seed: number): Trace {
  const random = seededRandom(seed);
  const section = zipf(DIRECTORIES, random);
  const everything = Array.from({ length: DIRECTORIES }, (_, directory) => whole(directory)).flat();
  const deployments = Array.from({ length: DEPLOYMENTS }, (_, index): Deployment => {
    const kind = index === 0 ? 1 : random();
    if (kind > 0.97) return { puts: everything.filter(() => index === 0 || random() < 0.9), deletes: [] };
    if (kind > 0.8) return { puts: whole(section()), deletes: [] };
    const few = 1 + Math.floor(random() * 12);
    const puts = Array.from({ length: few }, () => pathOf(section(), Math.floor(random() * FILES)));
    return { puts: [...new Set(puts)], deletes: [] };
  });
  return { name: `generated from seed ${seed}`, deployments };
}

function pathOf(directory: number, file: number): string {
  return `/part${directory % 6}/section${directory}/page${file}.html`;
}

function whole(directory: number): string[] {
  return Array.from({ length: FILES }, (_, file) => pathOf(directory, file));
}
