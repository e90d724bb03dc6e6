// Whose targets something is about, for telemetry and alerts.

/** Takes targets, gives their sites' names, each once, in order, with a space between: names have none. */
export function sitesOf(targets: readonly { readonly target: { readonly site: string } }[]): string {
  return [...new Set(targets.map(({ target }) => target.site))].toSorted().join(' ');
}
