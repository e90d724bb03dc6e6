// Why the host does not start, in words for the person who started it.

/** Bad configuration, an app that does not load, or one that asks for what this host cannot do. */
export class HostStartError extends Error {
  override readonly name = 'HostStartError';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
