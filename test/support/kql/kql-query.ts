// As much of KQL as can be checked without a service: its tokens, its brackets, which tables and properties it names.

export type KqlQuery = {
  /** Without comments. */
  readonly tokens: readonly Token[];
  /** What is wrong with it, in words. */
  readonly faults: readonly string[];
};

export type Token = {
  readonly kind: 'name' | 'string' | 'number' | 'operator';
  readonly text: string;
  readonly line: number;
};

const TOKEN =
  /(?<comment>\/\/[^\n]*)|(?<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")|(?<number>\d+(?:\.\d+)?(?:ms|[smhd])?\b)|(?<name>[A-Za-z_]\w*(?:-away|-reorder|-rename|-expand|-apply)?)|(?<operator>=~|!~|==|!=|<=|>=|\.\.|[|()[\]{},;.=<>+\-*/%:])|(?<space>\s+)|(?<other>.)/gsu;

/** Takes the text of a query. */
export function readKql(text: string): KqlQuery {
  const tokens: Token[] = [];
  const faults: string[] = [];
  let line = 1;
  for (const { 0: found, groups = {} } of text.matchAll(TOKEN)) {
    for (const kind of ['name', 'string', 'number', 'operator'] as const) {
      if (groups[kind] !== undefined) tokens.push({ kind, text: found, line });
    }
    if (groups['other'] !== undefined) faults.push(`line ${line}: ${found} is nothing of KQL`);
    line += found.split('\n').length - 1;
  }
  return {
    tokens,
    faults: [...faults, ...bracketFaults(tokens), ...pipeFaults(tokens), ...typeFaults(tokens)],
  };
}

const CLOSING: ReadonlyMap<string, string> = new Map([
  [')', '('],
  [']', '['],
  ['}', '{'],
]);

function bracketFaults(tokens: readonly Token[]): readonly string[] {
  const open: Token[] = [];
  for (const token of tokens.filter(({ kind }) => kind === 'operator')) {
    if ('([{'.includes(token.text)) open.push(token);
    const opening = CLOSING.get(token.text);
    if (opening === undefined) continue;
    if (open.pop()?.text !== opening) return [`line ${token.line}: ${token.text} closes nothing`];
  }
  return open.map(({ text, line }) => `line ${line}: ${text} is not closed`);
}

/** The operators that the queries here use. */
const OPERATORS: ReadonlySet<string> = new Set([
  'distinct',
  'extend',
  'mv-expand',
  'order',
  'project',
  'project-away',
  'summarize',
  'take',
  'where',
]);

function pipeFaults(tokens: readonly Token[]): readonly string[] {
  return tokens.flatMap(({ text, line }, index) => {
    const next = tokens[index + 1];
    if (text !== '|' || (next !== undefined && OPERATORS.has(next.text))) return [];
    return [`line ${line}: | ${next?.text ?? ''} is no operator that is used here`];
  });
}

/**
 * The arguments of `coalesce` are of one type, and a number as it is written is a long:
 * learn.microsoft.com/kusto/query/coalesce-function
 */
function typeFaults(tokens: readonly Token[]): readonly string[] {
  return tokens.flatMap(({ text, line }, index) => {
    if (text !== 'coalesce') return [];
    let depth = 0;
    const starts = tokens.slice(index + 1).flatMap(({ text: mark }, offset, rest) => {
      const isAtStart = depth === 1 && (rest[offset - 1]?.text === ',' || offset === 1);
      if (mark === ')') depth = depth === 1 ? Number.NEGATIVE_INFINITY : depth - 1;
      if (mark === '(') depth += 1;
      return isAtStart ? [tokens[index + 1 + offset]] : [];
    });
    const mixes =
      starts.some((token) => token?.text === 'toint') && starts.some((token) => token?.kind === 'number');
    return mixes ? [`line ${line}: coalesce has an int and a long`] : [];
  });
}

/** Gives the names after `Properties.`, and what stands in `Properties['…']`. */
export function propertiesIn({ tokens }: KqlQuery): readonly string[] {
  return tokens.flatMap(({ text }, index) => {
    if (text !== 'Properties') return [];
    const [mark, name] = [tokens[index + 1]?.text, tokens[index + 2]?.text];
    if (name === undefined) return [];
    if (mark === '.') return [name];
    return mark === '[' ? [name.slice(1, -1)] : [];
  });
}

/** Gives the texts that a query compares the column `Name` with: names of events, or of functions. */
export function namesIn({ tokens }: KqlQuery): readonly string[] {
  const names: string[] = [];
  for (const [index, { text }] of tokens.entries()) {
    if (text !== 'Name') continue;
    const comparison = tokens[index + 1]?.text ?? '';
    const isList = comparison === 'in';
    if (!isList && comparison !== '==' && comparison !== '!=') continue;
    const rest = tokens.slice(index + (isList ? 3 : 2));
    const end = isList ? rest.findIndex((token) => token.text === ')') : 1;
    for (const token of rest.slice(0, end)) {
      if (token.kind === 'string') names.push(token.text.slice(1, -1));
    }
  }
  return names;
}

/** Gives the tables of Application Insights that a query reads. */
export function tablesIn({ tokens }: KqlQuery): readonly string[] {
  return [...new Set(tokens.flatMap(({ text }) => (TABLES.has(text) ? [text] : [])))];
}

const TABLES: ReadonlySet<string> = new Set([
  'AppDependencies',
  'AppEvents',
  'AppExceptions',
  'AppRequests',
  'AppTraces',
]);
