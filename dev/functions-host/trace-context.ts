// W3C trace context for an invocation: continues the caller's trace, or begins one.
import { randomBytes } from 'node:crypto';
import type { RpcTraceContext } from './core-contract.ts';

/**
 * A new span in the trace of `traceparent`, or in a fresh, sampled one where that is missing or not valid.
 * https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function continueTrace(
  traceparent: string | undefined,
  tracestate: string | undefined,
): RpcTraceContext {
  const { traceId, flags } = parseTraceparent(traceparent) ?? { traceId: undefined, flags: '01' };
  return {
    traceParent: `00-${traceId ?? randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-${flags}`,
    // The state of a trace that was not valid says nothing about ours.
    traceState: traceId === undefined ? '' : (tracestate ?? ''),
    attributes: {},
  };
}

function parseTraceparent(text: string | undefined): { traceId: string; flags: string } | undefined {
  const pattern =
    /^(?!ff)[\da-f]{2}-(?!0{32})(?<traceId>[\da-f]{32})-(?!0{16})[\da-f]{16}-(?<flags>[\da-f]{2})(?:-|$)/u;
  const { traceId, flags } = pattern.exec(text?.trim() ?? '')?.groups ?? {};
  return traceId === undefined || flags === undefined ? undefined : { traceId, flags };
}
