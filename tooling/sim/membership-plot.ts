import type { MembershipRow } from './membership-row.ts';

const WIDTH = 640;
const HEIGHT = 220;
const LEFT = 60;
const TOP = 30;

interface Line {
  readonly name: string;
  readonly colour: string;
  readonly of: (row: MembershipRow) => number;
}

const CHARTS: readonly { readonly title: string; readonly lines: readonly Line[] }[] = [
  {
    title: 'milliseconds until all nodes know of a kill, and of a start',
    lines: [
      { name: 'kill, worst seed', colour: '#b33', of: (row) => row.detectionMs.most },
      { name: 'kill, median', colour: '#e88', of: (row) => row.detectionMs.median },
      { name: 'start, median', colour: '#37a', of: (row) => row.convergenceMs.median },
    ],
  },
  {
    title: 'messages per node and probe period',
    lines: [
      { name: 'while a kill spreads', colour: '#e88', of: (row) => row.messagesPerPeriodInChange },
      { name: 'idle', colour: '#37a', of: (row) => row.messagesPerPeriod },
    ],
  },
];

/** Two charts over the number of nodes (logarithmic), as one SVG document. */
export function plotMembership(rows: readonly MembershipRow[]): string {
  const charts = CHARTS.map((chart, at) => {
    const most = Math.max(...chart.lines.flatMap(({ of }) => rows.map(of)));
    const x = ({ nodes }: MembershipRow): number =>
      LEFT + (WIDTH * Math.log(nodes / rows[0]!.nodes)) / Math.max(1, Math.log(rows.at(-1)!.nodes / rows[0]!.nodes));
    const y = (value: number): number => TOP + HEIGHT * (1 - value / most);
    const lines = chart.lines.map(({ name, colour, of }, index) => {
      const points = rows.map((row) => `${x(row).toFixed(1)},${y(of(row)).toFixed(1)}`).join(' ');
      return (
        `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/>` +
        `<text x="${LEFT + 20 + 200 * index}" y="${TOP + HEIGHT + 40}" fill="${colour}">${name}</text>`
      );
    });
    const ticks = rows.map((row) => `<text x="${x(row).toFixed(1)}" y="${TOP + HEIGHT + 18}">${row.nodes}</text>`);
    const axis = `<path d="M${LEFT},${TOP} v${HEIGHT} h${WIDTH}" fill="none" stroke="#888"/>`;
    const scale = `<text x="4" y="${TOP + 5}">${most.toFixed(1)}</text><text x="4" y="${TOP + HEIGHT}">0</text>`;
    const body = [`<text x="${LEFT}" y="18">${chart.title}</text>`, axis, scale, ...ticks, ...lines].join('\n');
    return `<g transform="translate(0,${at * (HEIGHT + 90)})">\n${body}\n</g>`;
  });
  const size = `width="${WIDTH + LEFT + 40}" height="${CHARTS.length * (HEIGHT + 90)}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12">\n${charts.join('\n')}\n</svg>\n`;
}
