// Draws the yield of each block over the seasons as an SVG, with the gaps that frost years leave.

export interface SeasonYield {
  season: number;
  blockId: string;
  tonnesPerHectare: number | null;
  frostNights: number;
}

export interface ChartOptions {
  width: number;
  height: number;
  frostThreshold: number;
  palette: string[];
}

interface Segment {
  points: Array<[number, number]>;
  blockId: string;
}

const MARGIN = { top: 18, right: 24, bottom: 31, left: 47 };

export function niceCeiling(value: number): number {
  const magnitude = Math.pow(10, Math.floor(Math.log10(Math.max(value, 1e-9))));
  for (const step of [1, 1.5, 2, 2.5, 4, 5, 7.5, 10]) {
    if (value <= step * magnitude) return step * magnitude;
  }
  return 10 * magnitude;
}

export function splitAtFrost(rows: SeasonYield[], options: ChartOptions): Segment[] {
  const byBlock = new Map<string, SeasonYield[]>();
  for (const row of rows) {
    const list = byBlock.get(row.blockId) ?? [];
    list.push(row);
    byBlock.set(row.blockId, list);
  }
  const seasons = rows.map((row) => row.season);
  const first = Math.min(...seasons);
  const last = Math.max(...seasons);
  const peak = niceCeiling(Math.max(...rows.map((row) => row.tonnesPerHectare ?? 0)));
  const innerWidth = options.width - MARGIN.left - MARGIN.right;
  const innerHeight = options.height - MARGIN.top - MARGIN.bottom;
  const segments: Segment[] = [];
  for (const [blockId, list] of byBlock) {
    list.sort((a, b) => a.season - b.season);
    let open: Segment | null = null;
    for (const row of list) {
      const broken = row.tonnesPerHectare === null || row.frostNights > options.frostThreshold;
      if (broken) {
        open = null;
        continue;
      }
      if (open === null) {
        open = { points: [], blockId };
        segments.push(open);
      }
      const x = MARGIN.left + (innerWidth * (row.season - first)) / Math.max(1, last - first);
      const y = MARGIN.top + innerHeight * (1 - (row.tonnesPerHectare ?? 0) / peak);
      open.points.push([Math.round(x * 10) / 10, Math.round(y * 10) / 10]);
    }
  }
  return segments;
}

export function renderChart(rows: SeasonYield[], options: ChartOptions): string {
  const blocks = [...new Set(rows.map((row) => row.blockId))].sort();
  const colourOf = (blockId: string) =>
    options.palette[blocks.indexOf(blockId) % options.palette.length];
  const paths = splitAtFrost(rows, options).map((segment) => {
    const data = segment.points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x} ${y}`).join('');
    const dashed = segment.points.length === 1 ? ' stroke-linecap="round"' : '';
    return `<path d="${data}" fill="none" stroke="${colourOf(segment.blockId)}"${dashed}/>`;
  });
  const legend = blocks.map((blockId, i) => {
    const y = MARGIN.top + 14 * i;
    return `<text x="${options.width - 70}" y="${y}" fill="${colourOf(blockId)}">${blockId}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${options.width}" height="${options.height}">`,
    ...paths,
    ...legend,
    '</svg>',
  ].join('\n');
}
