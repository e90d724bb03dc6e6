// The few shapes that a chart needs, in colours that suit light and dark pages.

/** From a value to a length. */
export type Scale = (value: number) => number;

/** Nought has no length; each power of ten adds as much as the one before. */
export function logScale(most: number, length: number): Scale {
  const whole = Math.log10(1 + Math.max(most, 1));
  return (value) => (length * Math.log10(1 + Math.max(value, 0))) / whole;
}

export function text(x: number, y: number, words: string, styles: string): string {
  return `<text class="${styles}" x="${x.toFixed(1)}" y="${y.toFixed(1)}">${escaped(words)}</text>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, style: string): string {
  return `<line class="${style}" x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}"/>`;
}

export function circle(x: number, y: number, radius: number, style: string): string {
  return `<circle class="${style}" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius}"/>`;
}

export function path(points: readonly (readonly [number, number])[], style: string): string {
  const corners = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
  return `<polyline class="${style}" points="${corners}"/>`;
}

type Drawing = {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly description: string;
  readonly body: string;
};

export function svg({ width, height, title, description, body }: Drawing): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif">
  <title id="title">${escaped(title)}</title>
  <desc id="description">${escaped(description)}</desc>
  <style>
    .card { fill: #ffffff; stroke: #d0d7de; }
    .ours { fill: #0a69c7; }
    .others { fill: #8c959f; }
    .curve { fill: none; stroke: #0a69c7; stroke-width: 1.8; }
    .bound { stroke: #2c8a4b; stroke-width: 1.4; stroke-dasharray: 5 4; }
    .axis { stroke: #8c959f; }
    .title { fill: #1b2430; font-size: 14px; font-weight: 600; }
    .name { fill: #1b2430; font-size: 12.5px; }
    .bold { font-weight: 600; }
    .says { fill: #4a5563; font-size: 11.5px; }
    .end { text-anchor: end; }
    .middle { text-anchor: middle; }
    @media (prefers-color-scheme: dark) {
      .card { fill: #12171e; stroke: #30363d; }
      .ours { fill: #58a6ff; }
      .curve { stroke: #58a6ff; }
      .bound { stroke: #5fce86; }
      .title, .name { fill: #eef2f6; }
      .says { fill: #b3bdc8; }
    }
  </style>
  <rect class="card" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="12"/>
${body}
</svg>
`;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
