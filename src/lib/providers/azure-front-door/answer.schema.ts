// The bodies that Azure Resource Manager answers with: only the fields that are used.

import * as z from 'zod';

const words = z.object({ code: z.string().nullish(), message: z.string().nullish() });

/** A refusal. github.com/Azure/azure-rest-api-specs common-types v6, ErrorResponse */
export const Refusal = z.object({
  error: z.object({ code: z.string().min(1), message: z.string().nullish() }),
});

/**
 * How far an operation is: learn.microsoft.com/azure/azure-resource-manager/management/async-operations. A purge that
 * goes well carries an error, too: its code is "None".
 */
export const OperationStatus = z
  .object({ status: z.string().min(1), error: words.nullish() })
  .transform(({ status, error }) => ({
    status: status.toLowerCase(),
    code: (error?.code ?? '').toLowerCase() === 'none' ? undefined : (error?.code ?? undefined),
    message: error?.message ?? undefined,
  }));
export type OperationStatus = z.output<typeof OperationStatus>;
