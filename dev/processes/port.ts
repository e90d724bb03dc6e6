// Port options of the children: digits, 0 for any free port.

/**
 * A TCP port out of a command line option.
 * @throws with a sentence for the person who typed it, if it is no port.
 */
export function parsePort(text: string, option: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/u.test(text) || port > 65_535) {
    throw new Error(`${option} takes a port from 0 to 65535 (0: any free one), not ${JSON.stringify(text)}.`);
  }
  return port;
}
