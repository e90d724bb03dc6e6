// Where a text fails to be JSON. JSON.parse often gives no place, may quote the text (which could be a secret),
// and silently drops all but the last of equal keys.

export type JsonFault = { readonly line: number; readonly column: number; readonly message: string };

/** Takes a text, gives its first syntax error, or else every repeated key. None: JSON.parse takes the text. */
export function findJsonFaults(text: string): readonly JsonFault[] {
  const scanner: Scanner = { text, at: 0, repeated: [] };
  try {
    scanValue(scanner, 0);
    skipSpace(scanner);
    if (scanner.at < text.length) fail(scanner, 'nothing may follow the document');
  } catch (error) {
    if (error instanceof SyntaxFault) return [locate(text, scanner.at, error.message)];
    throw error;
  }
  return scanner.repeated.map(({ at, message }) => locate(text, at, message));
}

type Scanner = {
  readonly text: string;
  at: number;
  readonly repeated: { readonly at: number; readonly message: string }[];
};

/** Leaves the recursion; never leaves this module. */
class SyntaxFault extends Error {}

const DEEPEST = 64;
const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\p{Cc}]|[\u{7f}-\u{9f}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const SCALAR = /true(?!\w)|false(?!\w)|null(?!\w)|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y;

function scanValue(scanner: Scanner, depth: number): void {
  if (depth > DEEPEST) fail(scanner, `more than ${DEEPEST} levels deep`);
  skipSpace(scanner);
  const first = scanner.text[scanner.at];
  if (first === '{') scanObject(scanner, depth);
  else if (first === '[') scanList(scanner, '[', ']', () => scanValue(scanner, depth + 1));
  else if (first === '"') scanString(scanner);
  else if (take(scanner, SCALAR) === undefined) fail(scanner, 'a value is expected');
}

function scanObject(scanner: Scanner, depth: number): void {
  const keys = new Set<unknown>();
  scanList(scanner, '{', '}', () => {
    const at = scanner.at;
    if (scanner.text[at] !== '"') fail(scanner, 'a key in double quotes is expected');
    const key: unknown = JSON.parse(scanString(scanner));
    if (keys.has(key)) scanner.repeated.push({ at, message: 'this key stands in its object twice' });
    keys.add(key);
    skipSpace(scanner);
    expect(scanner, ':');
    scanValue(scanner, depth + 1);
  });
}

function scanList(scanner: Scanner, open: string, close: string, scanItem: () => void): void {
  expect(scanner, open);
  skipSpace(scanner);
  if (scanner.text[scanner.at] === close) {
    scanner.at += 1;
    return;
  }
  for (;;) {
    scanItem();
    skipSpace(scanner);
    if (scanner.text[scanner.at] === close) {
      scanner.at += 1;
      return;
    }
    if (scanner.text[scanner.at] !== ',') fail(scanner, `a comma or ${close} is expected`);
    scanner.at += 1;
    skipSpace(scanner);
    if (scanner.text[scanner.at] === close) fail(scanner, `no comma may stand before ${close}`);
  }
}

function scanString(scanner: Scanner): string {
  return take(scanner, STRING) ?? fail(scanner, 'this string does not end, or holds what must be escaped');
}

function skipSpace(scanner: Scanner): void {
  take(scanner, SPACE);
}

function expect(scanner: Scanner, character: string): void {
  if (scanner.text[scanner.at] !== character) fail(scanner, `${character} is expected`);
  scanner.at += 1;
}

function take(scanner: Scanner, expression: RegExp): string | undefined {
  expression.lastIndex = scanner.at;
  const found = expression.exec(scanner.text)?.[0];
  scanner.at += found?.length ?? 0;
  return found;
}

function fail({ text, at }: Scanner, message: string): never {
  if (at >= text.length) throw new SyntaxFault('the text ends in the middle');
  if (text.startsWith('//', at) || text.startsWith('/*', at)) throw new SyntaxFault('JSON has no comments');
  if (text[at] === "'") throw new SyntaxFault('strings and keys stand in double quotes');
  throw new SyntaxFault(message);
}

function locate(text: string, at: number, message: string): JsonFault {
  const before = text.slice(0, at).split(/\r\n|\r|\n/u);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message };
}
