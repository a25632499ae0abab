import type { SuiteReport } from './report.ts';
import type { Result } from './runner.ts';
import type { Series } from './suite.ts';

const ROW = 26;
const LEFT = 300;
const WIDTH = 460;
const TOP = 48;
const LINE = 180;

/** A part of a picture, its upper left corner at the origin. */
interface Panel {
  readonly svg: string;
  readonly height: number;
}

/**
 * The ratios of a suite as a picture, and below them the lines along which figures grow. Empty text when there is
 * nothing to show.
 */
export function plot({ suite, host, results, series = [] }: SuiteReport): string {
  const ratios = results.filter(hasRatio);
  const panels = [...(ratios.length === 0 ? [] : [ratioPanel(ratios)]), ...series.map(linePanel)];
  if (panels.length === 0) return '';
  let height = TOP;
  const placed = panels.map((panel) => {
    const svg = `<g transform="translate(0 ${height})">${panel.svg}</g>`;
    height += panel.height;
    return svg;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 100}" height="${height}" font-family="sans-serif" font-size="12">` +
    `<rect width="100%" height="100%" fill="white"/>\n` +
    `<text x="12" y="20" font-weight="bold">${escapeText(suite)}: Ferrite over peer</text>\n` +
    `<text x="12" y="36" fill="#777" font-size="10">${escapeText(host)}</text>\n${placed.join('\n')}\n</svg>\n`
  );
}

/** A dot for the median, a bar for the quartiles, on a logarithmic axis around 1 ("as fast as the peer"). */
function ratioPanel(rows: readonly Plotted[]): Panel {
  const values = rows.flatMap((row) => [row.value, ...row.quartiles]);
  const low = 10 ** Math.floor(Math.log10(Math.min(0.5, ...values)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(2, ...values)));
  const x = (value: number): number => LEFT + (WIDTH * Math.log(value / low)) / Math.log(high / low);
  const height = ROW * rows.length + 30;
  const decades = Array.from({ length: Math.round(Math.log10(high / low)) + 1 }, (_, at) => low * 10 ** at);
  const parts = [
    ...decades.map((value) => {
      const line = `<line x1="${x(value)}" x2="${x(value)}" y1="0" y2="${height - 26}" stroke="${value === 1 ? '#444' : '#ddd'}"/>`;
      return `${line}<text x="${x(value)}" y="${height - 10}" text-anchor="middle">${Number(value.toPrecision(1))}</text>`;
    }),
    ...rows.map((row, at) => {
      const y = ROW * at + ROW / 2;
      const [first, third] = row.quartiles;
      return [
        `<text x="12" y="${y + 4}">${escapeText(row.name)}</text>`,
        `<line x1="${x(first)}" x2="${x(third)}" y1="${y}" y2="${y}" stroke="#4a78b5" stroke-width="5" opacity="0.5"/>`,
        `<circle cx="${x(row.value)}" cy="${y}" r="4" fill="#1f4e8c"/>`,
        `<text x="${LEFT + WIDTH + 12}" y="${y + 4}">${digits(row.value)}${row.noisy === true ? ' noisy' : ''}</text>`,
      ].join('');
    }),
  ];
  return { svg: parts.join('\n'), height };
}

/** A line from the origin through the points, on linear axes: what grows in proportion is straight. */
function linePanel({ name, unit, over, points }: Series): Panel {
  const [right, top] = [0, 1].map((axis) => Math.max(...points.map((point) => point[axis] ?? 0)) || 1) as [
    number,
    number,
  ];
  const x = (value: number): number => LEFT + (WIDTH * value) / right;
  const y = (value: number): number => LINE - 30 - ((LINE - 50) * value) / top;
  const drawn = [[0, 0] as const, ...points].map(([at, value]) => `${x(at)},${y(value)}`).join(' ');
  const parts = [
    `<text x="12" y="${LINE / 2}">${escapeText(name)} (${escapeText(unit)})</text>`,
    `<title>${escapeText(`${name} (${unit}) over ${over}`)}</title>`,
    `<path d="M${x(0)} ${y(top)}V${y(0)}H${x(right)}" stroke="#444" fill="none"/>`,
    `<polyline points="${drawn}" stroke="#1f4e8c" fill="none"/>`,
    ...points.map(
      ([at, value]) =>
        `<circle cx="${x(at)}" cy="${y(value)}" r="4" fill="#1f4e8c"/>` +
        `<text x="${x(at) - 8}" y="${y(value) - 6}" text-anchor="end">${digits(value)}</text>` +
        `<text x="${x(at)}" y="${y(0) + 16}" text-anchor="middle">${digits(at)}</text>`,
    ),
    `<text x="${LEFT + WIDTH + 12}" y="${y(0) + 16}">${escapeText(over)}</text>`,
  ];
  return { svg: parts.join('\n'), height: LINE };
}

function digits(value: number): number {
  return Number(value.toPrecision(3));
}

type Plotted = Result & { readonly value: number; readonly quartiles: readonly [number, number] };

function hasRatio(row: Result): row is Plotted {
  return row.unit === 'ratio' && row.value !== null && row.quartiles !== null && row.value > 0 && row.quartiles[0] > 0;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
