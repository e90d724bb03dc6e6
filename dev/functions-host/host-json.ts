// What the embedded host heeds of host.json.
import * as z from 'zod';
import { HostStartError, messageOf } from './host-start-error.ts';
import type { RpcLogLevel } from './core-contract.ts';

export interface HostJson {
  /** Without slashes at its ends; may be empty. */
  readonly routePrefix: string;
  /** `undefined`: no limit. */
  readonly functionTimeoutMs: number | undefined;
  /** Least level by category; the key `default` stands for all others. */
  readonly logLevels: Readonly<Record<string, RpcLogLevel>>;
}

export const defaultHostJson: HostJson = {
  routePrefix: 'api',
  functionTimeoutMs: 5 * 60_000,
  logLevels: {},
};

/**
 * Members that the embedded host does not know are passed over: they are for the real host.
 *
 * @throws HostStartError with every problem by its path.
 */
export function parseHostJson(text: string, fileName: string): HostJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new HostStartError(`${fileName} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = HostFile.safeParse(value);
  if (!parsed.success)
    throw new HostStartError(`${fileName} is not valid.\n${z.prettifyError(parsed.error)}`);
  const { extensions, functionTimeout, logging } = parsed.data;
  return {
    routePrefix: extensions?.http?.routePrefix ?? defaultHostJson.routePrefix,
    functionTimeoutMs:
      functionTimeout === undefined ? defaultHostJson.functionTimeoutMs : functionTimeout.limitMs,
    logLevels: logging?.logLevel ?? {},
  };
}

const LogLevel = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none']));

/** A .NET TimeSpan, `[d.]hh:mm:ss`, or -1 for no limit. */
const FunctionTimeout = z
  .string()
  .regex(/^(?:-1|(?:\d+\.)?\d{1,2}:\d{2}:\d{2})$/u, 'must be "hh:mm:ss" or "-1"')
  .transform((text) => {
    if (text === '-1') return { limitMs: undefined };
    const [seconds = 0, minutes = 0, hours = 0, days = 0] = text.split(/[.:]/u).map(Number).toReversed();
    return { limitMs: (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 };
  });

const HostFile = z.looseObject({
  version: z.literal('2.0'),
  functionTimeout: FunctionTimeout.optional(),
  extensions: z
    .looseObject({
      http: z
        .looseObject({
          routePrefix: z
            .string()
            .transform((prefix) => prefix.replaceAll(/^\/+|\/+$/gu, ''))
            .optional(),
        })
        .optional(),
    })
    .optional(),
  logging: z.looseObject({ logLevel: z.record(z.string(), LogLevel).optional() }).optional(),
});
