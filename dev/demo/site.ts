// The demo's small site, and the changes that are made to it.

export type DemoBlob = { readonly container: string; readonly name: string };

export type DemoChange = DemoBlob & { readonly kind: 'overwrite' | 'delete' | 'add' };

export const CONTAINERS = ['$web', 'media', 'downloads'] as const;

/** Stands there and is cached before anything changes. */
export function siteBlobs(): readonly DemoBlob[] {
  return [...PAGES, ...ODD_NAMES, ...MEDIA, ...DOWNLOADS];
}

/** At least 40: pages and odd names overwritten, some deleted, some added where the edge has cached a 404. */
export function siteChanges(): readonly DemoChange[] {
  const overwrite = [...PAGES, ...ODD_NAMES, ...MEDIA.slice(0, 6), ...DOWNLOADS.slice(0, 3)];
  return [
    ...overwrite.map((blob) => ({ ...blob, kind: 'overwrite' as const })),
    ...[...MEDIA.slice(6), ...DOWNLOADS.slice(3)].map((blob) => ({ ...blob, kind: 'delete' as const })),
    ...NEW.map((blob) => ({ ...blob, kind: 'add' as const })),
  ];
}

const inContainer = (container: string, names: readonly string[]): DemoBlob[] =>
  names.map((name) => ({ container, name }));

const PAGES = inContainer('$web', [
  'index.html',
  'about/index.html',
  'about/team.html',
  'docs/index.html',
  'docs/getting-started.html',
  'css/site.css',
  'js/app.js',
]);

/** Names that break purges which take blob names from URLs, or encode them once too often. */
const ODD_NAMES = inContainer('$web', [
  'press/annual report 2026.pdf',
  '产品/新品 介绍.html',
  'emoji/rocket 🚀.txt',
  'odd/a+b=c.txt',
  'odd/100% sure.txt',
  'odd/literal%20percent.txt',
  'odd/issue#42.txt',
  'odd/what?.txt',
  "odd/tom & jerry's.txt",
  'odd//double//slash.txt',
  'odd/[brackets] {braces}.txt',
  'odd/star*.txt',
  `long/${'n'.repeat(1024 - 'long/'.length - '.txt'.length)}.txt`,
]);

const MEDIA = inContainer('media', [
  'hero.jpg',
  'logo.svg',
  'video/intro.m3u8',
  'video/intro-001.ts',
  'video/intro-002.ts',
  '图片/产品 一.png',
  'old/banner-2024.jpg',
  'old/banner-2025.jpg',
]);

const DOWNLOADS = inContainer('downloads', [
  'setup.exe',
  'setup.exe.sha256',
  'release notes.txt',
  'v1/setup.exe',
  'v1/setup.exe.sha256',
]);

const NEW = [
  ...inContainer('$web', ['news/index.html', 'news/launch.html', 'docs/faq.html', 'robots.txt']),
  ...inContainer('media', ['hero@2x.jpg', 'video/intro-003.ts', '图片/产品 二.png']),
  ...inContainer('downloads', ['v2/setup.exe', 'v2/setup.exe.sha256']),
];
