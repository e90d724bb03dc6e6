// The versions of what the app stores. The rule by which they change: docs/adr/0013-formats-and-versions.md

/**
 * `reads` are the versions that have the present shape; an older shape has a schema of its own beside the present one.
 * What is newer is left as it stands.
 */
export const FORMATS = {
  message: { writes: 1, reads: [1] },
  backlog: { writes: 1, reads: [1] },
  ledger: { writes: 1, reads: [1] },
  record: { writes: 2, reads: [2] },
  inventory: { writes: 1, reads: [1] },
  activity: { writes: 1, reads: [1] },
} as const;
