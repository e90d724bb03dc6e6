// What an emulator remembers of its callers, until it is reset. Never a secret of theirs.

export interface RequestLog<Request, Purge> {
  addRequest(request: Request): void;
  addPurge(purge: Purge): void;
  requests(): readonly Request[];
  /** Every accepted purge, answered or not. */
  purges(): readonly Purge[];
  clear(): void;
}

export function createRequestLog<Request, Purge>(): RequestLog<Request, Purge> {
  let requests: Request[] = [];
  let purges: Purge[] = [];
  return {
    addRequest: (request) => void requests.push(request),
    addPurge: (purge) => void purges.push(purge),
    requests: () => [...requests],
    purges: () => [...purges],
    clear() {
      requests = [];
      purges = [];
    },
  };
}
