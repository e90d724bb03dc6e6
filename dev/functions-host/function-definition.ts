// From what the app registered to the functions that this host can run; everything else is refused by name.
import * as z from 'zod';
import type { RegisteredFunction } from './app-registry.ts';
import type { FunctionCallback, FunctionMetadata } from './core-contract.ts';
import { HostStartError } from './host-start-error.ts';
import { parseSchedule, type Schedule } from './schedule.ts';
import { parseRoute, type Route } from './route.ts';

export type AuthLevel = 'anonymous' | 'function' | 'admin';

export interface HttpTrigger {
  readonly kind: 'http';
  readonly authLevel: AuthLevel;
  /** Upper case. */
  readonly methods: readonly string[];
  readonly route: Route;
}

export interface EventGridTrigger {
  readonly kind: 'eventGrid';
  /** `many`: one invocation for a whole delivery; else one invocation an event. */
  readonly cardinality: 'one' | 'many';
}

export interface TimerTrigger {
  readonly kind: 'timer';
  readonly schedule: Schedule;
  readonly runOnStartup: boolean;
}

export interface FunctionDefinition {
  readonly name: string;
  /** The trigger's binding name: under it the input is handed over. */
  readonly bindingName: string;
  readonly trigger: HttpTrigger | EventGridTrigger | TimerTrigger;
  /** By `AzureWebJobs.<name>.Disabled`: known to the host, but never run. */
  readonly disabled: boolean;
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

export interface DefinitionContext {
  /** App settings, for `%NAME%` in bindings and for disabled functions. */
  readonly settings: Readonly<Record<string, string | undefined>>;
  /** From host.json, without slashes at its ends; may be empty. */
  readonly routePrefix: string;
}

/**
 * Checks every registered function.
 *
 * @throws HostStartError that lists all problems, one a line, each with its function's name.
 */
export function defineFunctions(
  registered: readonly RegisteredFunction[],
  context: DefinitionContext,
): readonly FunctionDefinition[] {
  const problems: string[] = [];
  const definitions: FunctionDefinition[] = [];
  for (const { metadata, callback } of registered) {
    const report: Report = (problem) => {
      problems.push(`Function "${metadata.name}": ${problem}`);
    };
    const definition = defineFunction(metadata, callback, context, report);
    if (definition !== undefined) definitions.push(definition);
  }
  problems.push(...findClashes(definitions));
  if (registered.length === 0) {
    problems.push(
      'No functions were registered. Is "app" used from "@azure/functions", and was it not used before the host started?',
    );
  }
  if (problems.length > 0) throw new HostStartError(problems.join('\n'));
  return definitions;
}

const Binding = z.looseObject({
  type: z.string(),
  direction: z.enum(['in', 'out', 'inout']),
});
type Binding = z.infer<typeof Binding>;

const HttpBinding = z.looseObject({
  authLevel: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['anonymous', 'function', 'admin'])),
  methods: z.array(z.string().min(1).toUpperCase()).min(1),
  route: z.string().optional(),
});
const EventGridBinding = z.looseObject({
  cardinality: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['one', 'many']))
    .default('one'),
});
const TimerBinding = z.looseObject({ schedule: z.string(), runOnStartup: z.boolean().default(false) });

/** Takes a problem of the function that is being defined, and answers nothing, so that it can be returned. */
type Report = (problem: string) => undefined;

/** The name rule of the real host. */
const functionName = /^[a-z][\w-]{0,127}$/iu;

function defineFunction(
  metadata: FunctionMetadata,
  callback: FunctionCallback,
  context: DefinitionContext,
  report: Report,
): FunctionDefinition | undefined {
  if (!functionName.test(metadata.name)) {
    report('its name must start with a letter and hold only letters, digits, "-" and "_" (at most 128).');
  }
  if (metadata.retryOptions !== undefined) report('retry policies are not supported by the embedded host.');

  const triggers: { readonly name: string; readonly binding: Binding }[] = [];
  for (const [name, raw] of Object.entries(metadata.bindings)) {
    const binding = Binding.safeParse(raw);
    if (!binding.success) {
      report(`its binding "${name}" is not valid. ${z.prettifyError(binding.error)}`);
    } else if (/trigger$/iu.test(binding.data.type)) {
      triggers.push({ name, binding: binding.data });
    } else if (!isHttpAnswer(name, binding.data, metadata)) {
      const what = binding.data.direction === 'in' ? 'input' : 'output';
      report(`the ${what} binding type "${binding.data.type}" is not supported by the embedded host.`);
    }
  }
  const [found] = triggers;
  if (found === undefined || triggers.length > 1) {
    report(`a function has exactly one trigger, this one has ${triggers.length}.`);
    return undefined;
  }
  const settings = resolveSettings(found.binding, context.settings, report);
  const trigger = parseTrigger(settings, metadata.name, context.routePrefix, report);
  if (trigger === undefined) return undefined;
  return {
    name: metadata.name,
    bindingName: found.name,
    trigger,
    disabled: isDisabled(metadata.name, context.settings),
    metadata,
    callback,
  };
}

/** The return binding that `app.http` adds by itself. */
function isHttpAnswer(name: string, binding: Binding, metadata: FunctionMetadata): boolean {
  const isHttpFunction = Object.values(metadata.bindings).some(
    (other) => Binding.safeParse(other).data?.type.toLowerCase() === 'httptrigger',
  );
  return isHttpFunction && name === '$return' && binding.type.toLowerCase() === 'http';
}

function parseTrigger(
  binding: Binding,
  name: string,
  routePrefix: string,
  report: Report,
): FunctionDefinition['trigger'] | undefined {
  const invalid = (error: z.ZodError): undefined =>
    report(`its ${binding.type} is not valid. ${z.prettifyError(error)}`);
  switch (binding.type.toLowerCase()) {
    case 'httptrigger': {
      const parsed = HttpBinding.safeParse(binding);
      if (!parsed.success) return invalid(parsed.error);
      const { authLevel, methods, route: template = name } = parsed.data;
      const route = parseRoute(routePrefix, template);
      if (!route.ok) return report(route.error);
      return { kind: 'http', authLevel, methods, route: route.value };
    }
    case 'eventgridtrigger': {
      const parsed = EventGridBinding.safeParse(binding);
      if (!parsed.success) return invalid(parsed.error);
      return { kind: 'eventGrid', cardinality: parsed.data.cardinality };
    }
    case 'timertrigger': {
      const parsed = TimerBinding.safeParse(binding);
      if (!parsed.success) return invalid(parsed.error);
      const schedule = parseSchedule(parsed.data.schedule);
      if (!schedule.ok) return report(schedule.error);
      return { kind: 'timer', schedule: schedule.value, runOnStartup: parsed.data.runOnStartup };
    }
    default:
      return report(`the trigger type "${binding.type}" is not supported by the embedded host.`);
  }
}

/** `%NAME%` stands for an app setting in any text of a binding, as in Azure. */
function resolveSettings(binding: Binding, settings: DefinitionContext['settings'], report: Report): Binding {
  const resolved: Binding = { ...binding };
  for (const [member, value] of Object.entries(binding)) {
    if (typeof value !== 'string') continue;
    resolved[member] = value.replaceAll(/%([^%]+)%/gu, (text, settingName: string) => {
      const setting = Object.hasOwn(settings, settingName) ? settings[settingName] : undefined;
      if (setting !== undefined && setting !== '') return setting;
      report(`its ${binding.type} names %${settingName}% (${member}), but there is no such app setting.`);
      return text;
    });
  }
  return resolved;
}

/** https://learn.microsoft.com/azure/azure-functions/disable-function; Linux spells the dots as `_`. */
function isDisabled(name: string, settings: DefinitionContext['settings']): boolean {
  const value = settings[`AzureWebJobs.${name}.Disabled`] ?? settings[`AzureWebJobs_${name}_Disabled`] ?? '';
  return ['true', '1'].includes(value.toLowerCase());
}

/** Names that differ only in case, and two functions on one route and method. */
function findClashes(definitions: readonly FunctionDefinition[]): readonly string[] {
  const problems: string[] = [];
  const taken = new Map<string, string>();
  const take = (what: string, by: string): void => {
    const holder = taken.get(what.toLowerCase());
    if (holder === undefined) taken.set(what.toLowerCase(), by);
    else problems.push(`Function "${by}": ${what} is taken by function "${holder}".`);
  };
  for (const { name, trigger } of definitions) {
    take(`the name "${name}"`, name);
    if (trigger.kind !== 'http') continue;
    for (const method of trigger.methods) take(`the route ${method} ${trigger.route.shape}`, name);
  }
  return problems;
}
