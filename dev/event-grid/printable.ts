// Text from outside (blob names) made safe for a person's terminal.

/** Control characters, line separators, bidirectional controls and lone surrogates as `\u…`; long text is cut. */
export function printable(text: string, maxChars = 200): string {
  const escaped = text.replaceAll(
    /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return escaped.length <= maxChars ? escaped : `${escaped.slice(0, maxChars)}…`;
}
