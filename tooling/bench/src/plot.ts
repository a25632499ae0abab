import type { SuiteReport } from './report.ts';
import type { Result } from './runner.ts';

const ROW = 26;
const LEFT = 300;
const WIDTH = 460;
const TOP = 48;

/**
 * The ratios of a suite as a picture: a dot for the median, a bar for the quartiles, on a logarithmic axis around 1
 * ("as fast as the peer"). Empty text when there is no ratio to show.
 */
export function plot({ suite, host, results }: SuiteReport): string {
  const rows = results.filter(hasRatio);
  if (rows.length === 0) return '';
  const values = rows.flatMap((row) => [row.value, ...row.quartiles]);
  const low = 10 ** Math.floor(Math.log10(Math.min(0.5, ...values)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(2, ...values)));
  const x = (value: number): number => LEFT + (WIDTH * Math.log(value / low)) / Math.log(high / low);
  const height = TOP + ROW * rows.length + 30;
  const decades = Array.from({ length: Math.round(Math.log10(high / low)) + 1 }, (_, at) => low * 10 ** at);
  const parts = [
    `<text x="12" y="20" font-weight="bold">${escapeText(suite)}: Ferrite over peer</text>`,
    `<text x="12" y="36" fill="#777" font-size="10">${escapeText(host)}</text>`,
    ...decades.map((value) => {
      const line = `<line x1="${x(value)}" x2="${x(value)}" y1="${TOP}" y2="${height - 26}" stroke="${value === 1 ? '#444' : '#ddd'}"/>`;
      return `${line}<text x="${x(value)}" y="${height - 10}" text-anchor="middle">${Number(value.toPrecision(1))}</text>`;
    }),
    ...rows.map((row, at) => {
      const y = TOP + ROW * at + ROW / 2;
      const [first, third] = row.quartiles;
      return [
        `<text x="12" y="${y + 4}">${escapeText(row.name)}</text>`,
        `<line x1="${x(first)}" x2="${x(third)}" y1="${y}" y2="${y}" stroke="#4a78b5" stroke-width="5" opacity="0.5"/>`,
        `<circle cx="${x(row.value)}" cy="${y}" r="4" fill="#1f4e8c"/>`,
        `<text x="${LEFT + WIDTH + 12}" y="${y + 4}">${Number(row.value.toPrecision(3))}${row.noisy === true ? ' noisy' : ''}</text>`,
      ].join('');
    }),
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 100}" height="${height}" font-family="sans-serif" font-size="12">` +
    `<rect width="100%" height="100%" fill="white"/>\n${parts.join('\n')}\n</svg>\n`
  );
}

type Plotted = Result & { readonly value: number; readonly quartiles: readonly [number, number] };

function hasRatio(row: Result): row is Plotted {
  return row.unit === 'ratio' && row.value !== null && row.quartiles !== null && row.value > 0 && row.quartiles[0] > 0;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
