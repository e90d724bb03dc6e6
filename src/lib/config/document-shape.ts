// From what the schema finds wrong to problems that an operator understands, each with its path.

import * as z from 'zod';
import { closestName } from './closest-name.ts';
import { formatPath, type ConfigurationProblem } from './configuration-problem.ts';
import { ConfigurationDocument } from './configuration.schema.ts';
import { err, ok, type Result } from '../core/result.ts';

/** Takes any value, gives the document with its defaults filled in, or every fault of its shape. */
export function parseShape(value: unknown): Result<ConfigurationDocument, readonly ConfigurationProblem[]> {
  const parsed = ConfigurationDocument.safeParse(value, { error: describe });
  return parsed.success
    ? ok(parsed.data)
    : err(parsed.error.issues.flatMap((issue) => problemsOf(issue, [])));
}

type Issue = z.core.$ZodIssue;

function problemsOf(issue: Issue, above: readonly PropertyKey[]): ConfigurationProblem[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    // `describe` wrote one line a key, in this order.
    const messages = issue.message.split('\n');
    return issue.keys.map((key, index) => ({
      path: formatPath([...path, key]),
      message: messages[index] ?? 'unknown key',
    }));
  }
  if (issue.code === 'invalid_union') {
    // The branch that was meant is the one whose own type fits: its faults are the ones to tell.
    const meant = issue.errors.find(
      (branch) => !branch.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
    );
    if (meant !== undefined) return meant.flatMap((inner) => problemsOf(inner, path));
  }
  return [{ path: formatPath(path), message: issue.message }];
}

/** Messages for faults on which the schema itself has no word. Never repeats the value. */
const describe: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing: ${TYPE_NAMES[issue.expected] ?? issue.expected} is needed`
        : `must be ${TYPE_NAMES[issue.expected] ?? issue.expected}, not ${typeName(issue.input)}`;
    case 'invalid_value':
      if (issue.input === undefined) return `is missing: ${oneOf(issue.values)} is needed`;
      return `must be ${oneOf(issue.values)}`;
    case 'too_small':
      if (issue.origin === 'array') return `needs at least ${issue.minimum}`;
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    case 'invalid_union':
      if (issue.discriminator !== undefined && issue.inclusive !== false) {
        return describeKind(issue.input, issue.discriminator, issue.options ?? []);
      }
      return issue.input === undefined
        ? 'is missing'
        : `must be a host name, or an object with a host, not ${typeName(issue.input)}`;
    case 'unrecognized_keys': {
      const known = issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape) : [];
      return issue.keys.map((key) => describeUnknownKey(key, known)).join('\n');
    }
    // These bring a message of the schema's own.
    case 'invalid_format':
    case 'custom':
    // The schema cannot raise these.
    case 'invalid_key':
    case 'invalid_element':
    case 'not_multiple_of':
      return undefined;
  }
};

/** The input is the whole object: the key by which its kinds are told apart is missing, or names none. */
function describeKind(input: unknown, key: string, options: readonly z.core.util.Primitive[]): string {
  const kinds = oneOf(options);
  const isMissing = typeof input === 'object' && input !== null && Reflect.get(input, key) === undefined;
  return isMissing ? `is missing: ${kinds} is needed` : `must be ${kinds}`;
}

function describeUnknownKey(key: string, known: readonly string[]): string {
  const closest = closestName(key, known);
  return closest === undefined
    ? `unknown key: known here are ${known.join(', ')}`
    : `unknown key: did you mean ${closest}?`;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: 'an object',
  record: 'an object',
  array: 'a list',
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a fraction';
  return TYPE_NAMES[typeof value] ?? typeof value;
}

function oneOf(values: readonly z.core.util.Primitive[]): string {
  return values.map((value) => JSON.stringify(value)).join(' or ');
}
