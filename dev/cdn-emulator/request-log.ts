// What the emulator remembers of its callers. Never the Authorization header's value.
import type * as emulator from '../emulator/request-log.ts';
import type { ErrorType } from './api-error.ts';
import type { Fault } from './faults.ts';
import type { Operation } from './route.ts';

/** How a request ended: carried out, refused with a type, or met by a fault before that. */
export type Outcome = 'ok' | ErrorType | 'not-found' | 'wrong-method' | `fault:${Fault['fault']}`;

export interface LoggedRequest {
  readonly at: string;
  readonly method: string;
  /** As received, with query. */
  readonly target: string;
  readonly operation: Operation | null;
  readonly outcome: Outcome;
  /** Null if the connection was reset instead. */
  readonly status: number | null;
  readonly correlationId: string;
  /** The date header as sent: two attempts must not share one that was made once. */
  readonly requestDate: string | null;
}

export interface LoggedPurge {
  readonly at: string;
  readonly subscription: string;
  readonly endpointId: string;
  readonly files: readonly string[];
  readonly directories: readonly string[];
  readonly correlationId: string;
  readonly taskId: string;
}

export type RequestLog = emulator.RequestLog<LoggedRequest, LoggedPurge>;
