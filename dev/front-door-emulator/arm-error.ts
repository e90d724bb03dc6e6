// How Azure Resource Manager and its providers say no.

/** Why a request is refused. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export interface Refused {
  readonly ok: false;
  readonly error: Refusal;
}

/** Makes the failed half of a result. */
export function refuse(status: number, code: string, message: string): Refused {
  return { ok: false, error: { status, code, message } };
}

/** https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors: the envelope. */
export function errorBody({ code, message }: Omit<Refusal, 'status'>): Readonly<Record<string, unknown>> {
  return { error: { code, message } };
}
