// HTTP routes: templates such as `purges/{id}` or `files/{*rest}`, and which request path fits which.

export interface Route {
  /** As a person reads it, with the prefix: `/api/purges/{id}`. */
  readonly template: string;
  /** The template without its parameters' names: two equal shapes match the same paths. */
  readonly shape: string;
  readonly segments: readonly Segment[];
}

type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string; readonly optional: boolean }
  | { readonly kind: 'rest'; readonly name: string };

export type ParsedRoute =
  | { readonly ok: true; readonly value: Route }
  | { readonly ok: false; readonly error: string };

/** Paths that the host keeps for itself. */
const reserved = ['admin', 'runtime'];

/** @param prefix `extensions.http.routePrefix` of host.json without slashes at its ends; may be empty. */
export function parseRoute(prefix: string, template: string): ParsedRoute {
  const fault = (problem: string): ParsedRoute => ({
    ok: false,
    error: `its route "${template}" ${problem}`,
  });
  if (template.startsWith('/')) return fault('must not start with "/": the prefix comes before it.');
  const whole = [prefix, template].filter((part) => part !== '').join('/');
  const texts = whole.split('/').filter((text) => text !== '');
  const segments: Segment[] = [];
  for (const [index, text] of texts.entries()) {
    const segment = parseSegment(text);
    const isLast = index === texts.length - 1;
    if (segment === undefined) return fault(`has a part that the embedded host cannot match: "${text}".`);
    if (!isLast && segment.kind === 'rest') return fault(`has something after "${text}".`);
    if (!isLast && segment.kind === 'parameter' && segment.optional) {
      return fault(`has something after the optional "${text}".`);
    }
    segments.push(segment);
  }
  const [first] = segments;
  if (first?.kind === 'literal' && reserved.includes(first.text.toLowerCase())) {
    return fault(`starts with "${first.text}", which belongs to the host.`);
  }
  return { ok: true, value: { template: `/${whole}`, shape: shapeOf(segments), segments } };
}

/** Which parameters the path gives to the route, or `undefined` where it does not fit. `path` is as received. */
export function matchRoute(route: Route, path: string): Readonly<Record<string, string>> | undefined {
  const trimmed = path.endsWith('/') ? path.slice(1, -1) : path.slice(1);
  const parts = trimmed === '' ? [] : trimmed.split('/');
  const parameters: [string, string][] = [];
  for (const [index, segment] of route.segments.entries()) {
    if (segment.kind === 'rest') {
      const rest = parts.slice(index).map(decodePart).join('/');
      if (rest !== '') parameters.push([segment.name, rest]);
      return Object.fromEntries(parameters);
    }
    const part = parts[index];
    if (segment.kind === 'literal') {
      // ASP.NET compares routes without regard to case.
      if (part === undefined || decodePart(part).toLowerCase() !== segment.text.toLowerCase())
        return undefined;
    } else if (part !== undefined && part !== '') {
      parameters.push([segment.name, decodePart(part)]);
    } else if (!segment.optional || part === '') {
      return undefined;
    }
  }
  return parts.length > route.segments.length ? undefined : Object.fromEntries(parameters);
}

/** Sorts the more particular route first: literals before parameters before the rest of a path. */
export function compareRoutes(one: Route, other: Route): number {
  const weigh = (route: Route): string =>
    route.segments.map(({ kind }) => ({ literal: '1', parameter: '2', rest: '3' })[kind]).join('');
  return weigh(one).localeCompare(weigh(other));
}

function parseSegment(text: string): Segment | undefined {
  const { star, name, optional } =
    /^\{(?<star>\*{0,2})(?<name>[a-z_]\w*)(?<optional>\??)\}$/iu.exec(text)?.groups ?? {};
  if (name === undefined) return /[{}]/u.test(text) ? undefined : { kind: 'literal', text };
  if (star !== '') return { kind: 'rest', name };
  return { kind: 'parameter', name, optional: optional === '?' };
}

/** Percent-decoded, but an encoded slash stays encoded and a broken escape stays as it came (as in Kestrel). */
function decodePart(part: string): string {
  return part
    .split(/(%2f)/iu)
    .map((piece) => {
      if (/^%2f$/iu.test(piece)) return piece;
      try {
        return decodeURIComponent(piece);
      } catch {
        return piece;
      }
    })
    .join('');
}

function shapeOf(segments: readonly Segment[]): string {
  const texts = segments.map((segment) => {
    switch (segment.kind) {
      case 'literal':
        return segment.text.toLowerCase();
      case 'parameter':
        return '{}';
      case 'rest':
        return '{*}';
    }
  });
  return `/${texts.join('/')}`;
}
