// One thing that is wrong with a configuration document, and where.

export type ConfigurationProblem = {
  /** Where, as `sites.www.hosts[1].host`; empty for the document as a whole. */
  readonly path: string;
  /** What is wrong and what is wanted. Never holds the value found: it may be a secret in the wrong place. */
  readonly message: string;
};

/** Takes keys and indexes from the root, gives the path as an operator would write it. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (!PLAIN_KEY.test(String(part))) text += `[${JSON.stringify(String(part))}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text;
}

/** One line for people: the path, then the message. */
export function formatProblem({ path, message }: ConfigurationProblem): string {
  return path === '' ? message : `${path}: ${message}`;
}

const PLAIN_KEY = /^[\w$-]+$/u;
