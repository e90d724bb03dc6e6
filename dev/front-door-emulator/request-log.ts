// What the emulator remembers of its callers. Never a token, nor the query of an operation's URL.
import type * as emulator from '../emulator/request-log.ts';
import type { Operation } from './route.ts';

export interface LoggedRequest {
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly apiVersion: string | null;
  readonly operation: Operation | null;
  /** `ok`, the code of a refusal, `not-found`, `wrong-method`, or `fault:` and the fault that met it. */
  readonly outcome: string;
  /** Null if the connection was reset instead. */
  readonly status: number | null;
  readonly requestId: string;
  readonly correlationId: string;
  readonly clientRequestId: string | null;
}

export interface LoggedPurge {
  readonly at: string;
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly profile: string;
  readonly endpoint: string;
  readonly domains: readonly string[];
  readonly paths: readonly string[];
  readonly operationId: string;
  readonly requestId: string;
  readonly correlationId: string;
  readonly clientRequestId: string | null;
}

export type RequestLog = emulator.RequestLog<LoggedRequest, LoggedPurge>;
