// Blob names that break URL code, as a table and as a generator.

import * as fc from 'fast-check';

/** Names that storage allows, each with what is odd about it. */
export const ODD_NAMES: readonly (readonly [oddity: string, name: string])[] = [
  ['a space', 'a b.txt'],
  ['Chinese', '图片/首页.png'],
  ['an emoji', 'party-🎉.txt'],
  ['a family of emoji', '👩‍👩‍👧.svg'],
  ['a plus', 'a+b.txt'],
  ['a per cent sign', '100%.txt'],
  ['what looks percent-encoded', 'a%20b.txt'],
  ['a percent-encoded dot segment', '%2e%2e/secret.txt'],
  ['a hash', 'a#b.txt'],
  ['a question mark', 'a?b=c.txt'],
  ['an ampersand', 'a&b=c.txt'],
  ['an apostrophe', "it's.txt"],
  ['quotes', '"quoted".txt'],
  ['two slashes', 'a//b.txt'],
  ['a slash at its start', '/a.txt'],
  ['a slash at its end', 'a/'],
  ['an asterisk', 'a*b.txt'],
  ['an asterisk for a segment', 'a/*'],
  ['asterisks for a segment in the middle', 'a/**/b.txt'],
  ['a dollar sign', '$web/a$.txt'],
  ['brackets', 'a[1](2){3}<4>.txt'],
  ['a backslash', 'a\\b.txt'],
  ['a pipe and a caret', 'a|b^c`d.txt'],
  ['a colon and an at sign', 'http://user:pw@host/a.txt'],
  ['semicolons and commas', 'a;b,c=d!.txt'],
  ['a tilde', '~user/a.txt'],
  ['a space at its end', 'a '],
  ['three dots', '.../a...'],
  ['a dot file', '.well-known/.a'],
  ['a combining mark', 'e\u0301.txt'],
  ['a mark that turns the text around', 'a\u202Egpj.txt'],
  ['no-break space', 'a\u00A0b.txt'],
  ['a line separator', 'a\u2028b.txt'],
  ['a noncharacter', 'a\uFFFFb.txt'],
  ['a byte order mark', '\uFEFFa.txt'],
  ['1,024 ASCII characters', 'a'.repeat(1024)],
  ['1,024 emoji', '🎉'.repeat(1024)],
];

const character = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...'ab.-_~/%+#?&\'"*$[]\\ :@!();,=|^`<>{}20eE'.split('')) },
  { weight: 1, arbitrary: fc.constantFrom('图', 'é', '🎉', '\u{10FFFF}', '\u2028', '\u00A0') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
);

/** Whatever a blob could be named, most of it odd; not all of it usable. */
export const anyName = fc.string({ unit: character, minLength: 1, maxLength: 40 });

/** Names without the faults that are refused, found by other means than the code under test. */
export const usableName = anyName.filter(
  (name) =>
    !/[\p{Cc}\uFFFD]/u.test(name) &&
    name.isWellFormed() &&
    !name.split(/[/\\]/u).some((segment) => segment === '.' || segment === '..'),
);
